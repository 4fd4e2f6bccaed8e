// Dispatch and Settle by themselves: lanes to endpoints, verdicts to the spool.
#include "delivery/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_builder.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_log.h"
#include "tests/support/scripted_transport.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Remembers what it is asked; the test answers by hand.
class AskedSpool final : public Spool {
 public:
  void Start(SpoolEvents&) override {}
  void Append(SpoolBatch) override {}
  void Settle(std::span<const Settlement> s) override {
    settled.insert(settled.end(), s.begin(), s.end());
  }
  void Load(std::span<const SpoolSeq> w) override {
    wanted.insert(wanted.end(), w.begin(), w.end());
  }
  size_t UsedBytes() const override { return 0; }
  size_t MaxBytes() const override { return 1; }

  std::vector<Settlement> settled;
  std::vector<SpoolSeq> wanted;
};

class RecordingOutcomes final : public Outcomes {
 public:
  void OnFailure(const SpoolRow& row, const Failure& failure) override {
    failures.push_back(std::to_string(row.seq) + " " + failure.info +
                       (failure.final ? " final" : ""));
  }
  void OnSettled(const SpoolRow& row) override { settled.push_back(row.seq); }

  std::vector<std::string> failures;
  std::vector<SpoolSeq> settled;
};

// The dispatcher is no DeliverySink by itself.
class ToDispatcher final : public DeliverySink {
 public:
  explicit ToDispatcher(Dispatcher& dispatcher) : dispatcher_(dispatcher) {}
  void Complete(Ticket ticket, DeliveryResult result) override {
    dispatcher_.Complete(ticket, std::move(result));
  }

 private:
  Dispatcher& dispatcher_;
};

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() {
    transport.SetSink(sink);
    route->name = "defaultApp/backend";
    route->transport = &transport;
    routes["defaultApp"] = route;
  }

  SpoolRowPtr Row(SpoolSeq seq, const std::string& name) {
    auto row = std::make_shared<SpoolRow>();
    row->seq = seq;
    row->event = testing::SharedStatusEvent(name, "PUBLISHING");
    row->route = route;
    row->lane = LaneKey(*row->event);
    row->lane_sequence = dispatcher.NextSequence(route, row->lane);
    return row;
  }
  void Turn() {
    dispatcher.Settle();
    dispatcher.Dispatch(routes);
  }

  testing::ManualClock clock;
  AskedSpool spool;
  Metrics metrics;
  testing::RecordingLog log;
  RecordingOutcomes outcomes;
  Dispatcher dispatcher{{clock, spool, metrics, log, outcomes, [] {}, 1}};
  ToDispatcher sink{dispatcher};
  testing::ScriptedTransport transport;
  std::shared_ptr<Route> route = std::make_shared<Route>();
  RouteTable routes;
};

TEST_F(DispatcherTest, CountsEachLanesRows) {
  EXPECT_EQ(Row(1, "a")->lane_sequence, 1u);
  EXPECT_EQ(Row(2, "b")->lane_sequence, 1u);
  EXPECT_EQ(Row(3, "a")->lane_sequence, 2u);
}

TEST_F(DispatcherTest, AsksTheSpoolForTheNextRowWhenTheHeadIsSettled) {
  const auto first = Row(1, "a"), second = Row(2, "a");
  dispatcher.Enqueue(first);
  dispatcher.Enqueue(second);
  Turn();
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(spool.wanted, IsEmpty());
  transport.Complete(0, testing::Answered(200));
  Turn();
  EXPECT_THAT(spool.wanted, ElementsAre(2));
  ASSERT_THAT(spool.settled, SizeIs(1));
  EXPECT_EQ(spool.settled[0].seq, 1u);
  EXPECT_EQ(spool.settled[0].outcome, Settlement::Outcome::kDelivered);
  EXPECT_THAT(transport.attempts(), SizeIs(1)) << "not before the row is here";
  dispatcher.Loaded(second);
  dispatcher.Loaded(second);
  Turn();
  EXPECT_THAT(transport.attempts(), SizeIs(2)) << "a row that comes twice is sent once";
}

TEST_F(DispatcherTest, SettlesByWhatBecameOfTheRow) {
  route->retry.kind = RetrySchedule::Kind::kNone;
  for (SpoolSeq seq : {1, 2, 3}) dispatcher.Enqueue(Row(seq, std::to_string(seq)));
  Turn();
  transport.Complete(0, testing::Answered(200));
  transport.Complete(1, testing::Answered(404, "Not Found"));
  transport.Complete(2, testing::Refused());
  Turn();
  std::vector<Settlement::Outcome> became;
  for (const Settlement& settlement : spool.settled) became.push_back(settlement.outcome);
  using enum Settlement::Outcome;
  EXPECT_THAT(became, ElementsAre(kDelivered, kFailed, kGivenUp));
  EXPECT_THAT(outcomes.failures, ElementsAre("2 Not Found final", "3 connection refused final"));
  EXPECT_THAT(outcomes.settled, ElementsAre(1, 2, 3));
  EXPECT_THAT(log.Text(), HasSubstr("given up after 1 attempts"));
}

TEST_F(DispatcherTest, NothingIsSettledWhileItIsTriedAgain) {
  dispatcher.Enqueue(Row(1, "a"));
  Turn();
  transport.Complete(0, testing::Refused());
  Turn();
  EXPECT_THAT(spool.settled, IsEmpty());
  EXPECT_THAT(outcomes.failures, ElementsAre("1 connection refused"));
  const auto due = dispatcher.NextDue();
  ASSERT_TRUE(due.has_value());
  EXPECT_LE(*due, clock.Now() + absl::Milliseconds(500));
  clock.AdvanceTo(*due);
  Turn();
  EXPECT_THAT(transport.attempts(), SizeIs(2));
}

TEST_F(DispatcherTest, TellsTheAttemptsOfAHeadAlone) {
  const auto head = Row(1, "a"), next = Row(2, "a");
  dispatcher.Enqueue(head);
  dispatcher.Enqueue(next);
  EXPECT_EQ(dispatcher.AttemptsOf(*head), 0);
  Turn();
  EXPECT_EQ(dispatcher.AttemptsOf(*head), 1);
  EXPECT_EQ(dispatcher.AttemptsOf(*next), 0);
}

TEST_F(DispatcherTest, AskingForAttemptsKeepsNoLaneAlive) {
  const auto row = Row(1, "a");
  dispatcher.Enqueue(row);
  Turn();
  transport.Complete(0, testing::Answered(200));
  Turn();
  EXPECT_EQ(dispatcher.AttemptsOf(*row), 0) << "settled since";
  dispatcher.Loaded(row);
  clock.Advance(absl::Hours(25));
  Turn();
  EXPECT_EQ(metrics.GetGauge("tallybus_lanes", "").Value(), 0);
}

TEST_F(DispatcherTest, AfterStopRetriesABackOffStaysWhereItIs) {
  dispatcher.Enqueue(Row(1, "a"));
  Turn();
  dispatcher.StopRetries();
  transport.Complete(0, testing::Refused());
  Turn();
  clock.Advance(absl::Hours(1));
  Turn();
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(spool.settled, IsEmpty());
}

TEST_F(DispatcherTest, HandsOneBatchToEachTransport) {
  testing::ScriptedTransport another;
  another.SetSink(sink);
  auto other = std::make_shared<Route>(*route);
  other->name = "other/backend";
  other->transport = &another;
  auto row = std::make_shared<SpoolRow>(*Row(1, "a"));
  row->route = other;
  dispatcher.Enqueue(row);
  dispatcher.Enqueue(Row(2, "b"));
  Turn();
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(another.attempts(), SizeIs(1));
}

TEST_F(DispatcherTest, SleepsWhereNothingIsKnown) { EXPECT_EQ(dispatcher.NextDue(), std::nullopt); }

}  // namespace
}  // namespace tallybus
