// A route that coalesces, with rows that come, are committed, sent, answered and held up in any
// order.
#include <deque>
#include <random>

#include "tests/core/delivery/dispatcher_bench.h"

namespace tallybus::testing {
namespace {

class CoalescingSimulation : public DispatcherBench {
 protected:
  CoalescingSimulation() { route->coalesce = true; }

  void Act() {
    switch (random() % 10) {
      case 0:
        return AnswerSome();
      case 1:
        return queue().gate[0].Pause("", "", clock.Now());
      case 2:
        (void)queue().gate[0].Resume(clock.Now());
        return RunFor(absl::Milliseconds(random() % 2000));
      case 3:
      case 4:
        CommitSome(random() % 20);
        return random() % 2 == 0 ? Turn() : Run();
      default:
        const std::string stream(1, static_cast<char>('a' + random() % 3));
        accepted[stream].push_back(random() % 8 == 0 ? "PAUSED" : "PLAYING");
        uncommitted.push_back(Row(stream, accepted[stream].back()));
    }
  }
  void AnswerSome() {
    for (size_t i = 0; i < transport.attempts().size(); ++i) {
      if (!transport.attempts()[i].open || random() % 2 == 0) continue;
      transport.Complete(i, random() % 4 == 0 ? TimedOut() : Answered(200));
    }
  }
  void CommitSome(size_t count) {
    for (; count > 0 && !uncommitted.empty(); --count) {
      dispatcher.Enqueue(uncommitted.front());
      uncommitted.pop_front();
    }
  }

  // Order; and nothing that arrived is stood for by another.
  void ReadWhatArrived() {
    std::map<std::string, uint64_t> last;
    for (const auto& attempt : transport.attempts()) {
      EXPECT_GE(attempt.lane_sequence, last[attempt.event.name]);
      last[attempt.event.name] = attempt.lane_sequence;
      arrived[attempt.event.name][attempt.lane_sequence] = attempt.coalesced;
    }
    for (const auto& [stream, places] : arrived) {
      for (const auto& [place, count] : places) {
        stood_for += count;
        for (uint64_t n = 1; n <= count; ++n) EXPECT_FALSE(places.contains(place - n));
      }
    }
  }

  std::minstd_rand random{20};
  std::deque<SpoolRowPtr> uncommitted;
  std::map<std::string, std::vector<std::string>> accepted;     // statuses, by stream
  std::map<std::string, std::map<uint64_t, uint32_t>> arrived;  // place and what it stands for
  uint64_t stood_for = 0;
};

TEST_F(CoalescingSimulation, EachChangeAndTheNewestOfEachStatusArriveInOrder) {
  Take("z");
  for (int i = 0; i < 20'000 && !HasFailure(); ++i) Act();
  CommitSome(uncommitted.size());
  (void)queue().gate[0].Resume(clock.Now());
  transport.Run([](const auto&) { return Answered(200); });
  transport.Stop(clock.Now());
  RunFor(absl::Minutes(10));
  ReadWhatArrived();
  for (const auto& [stream, statuses] : accepted) {
    for (size_t i = 0; i < statuses.size(); ++i) {
      const bool change = i == 0 || statuses[i] != statuses[i - 1];
      const bool newest = i + 1 == statuses.size() || statuses[i] != statuses[i + 1];
      EXPECT_TRUE(!(change || newest) || arrived[stream].contains(i + 1)) << stream << i + 1;
    }
  }
  const uint64_t coalesced = Count("tallybus_events_coalesced_total");
  EXPECT_EQ(stood_for, coalesced);
  EXPECT_GT(coalesced, 1000u);
  EXPECT_EQ(Became().size(), rows.size()) << "each is settled once";
  EXPECT_EQ(queue().rows + queue().bytes + queue().outdated_bytes, 0u);
}

}  // namespace
}  // namespace tallybus::testing
