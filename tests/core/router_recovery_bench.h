// A router whose engine opens streams, is lost and comes back, over a spool that outlives it.
#ifndef TALLYBUS_TESTS_ROUTER_RECOVERY_BENCH_H_
#define TALLYBUS_TESTS_ROUTER_RECOVERY_BENCH_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tallybus/codec.h"
#include "tests/core/router_bench.h"
#include "tests/core/surviving_spool.h"

namespace tallybus::testing {

inline constexpr uint64_t kEngine = 5;
inline constexpr int kStreams = 100;

class RouterRecoveryBench : public RouterBench {
 protected:
  explicit RouterRecoveryBench(SurvivingSpool* survives = new SurvivingSpool)
      : RouterBench(std::unique_ptr<Spool>(survives)), disk(*survives) {
    transport.Run([this](const auto&) { return up ? Answered(200) : Refused(); });
  }

  // What an engine says of stream number `i`, which is alone in its session.
  Event OfStream(int i, const std::string& status) {
    const std::string n = std::to_string(i);
    EventDefaults defaults;
    defaults.node_id = kNode;
    defaults.now = clock.WallNow();
    Event event =
        EventFromJson(kStreamStatusEvent,
                      R"({"sessionId":"s)" + n + R"(","mediaSessionId":"m)" + n + R"(","name":"n)" +
                          n + R"(","published":true,"status":")" + status + R"(","sdp":"v=0"})",
                      defaults)
            .value();
    event.id = {kEngine, ++sequence};
    return event;
  }
  void OpenStreams(int count = kStreams) {
    std::vector<IngressRecord> records = {Of(PublisherChange::Action::kHello)};
    for (int i = 0; i < count; ++i) {
      SessionChange session = OpenSession("s" + std::to_string(i), "{}");
      session.epoch = kEngine;
      records.push_back(session);
      records.push_back(OfStream(i, "PUBLISHING"));
    }
    ASSERT_TRUE(Accept(std::move(records), Watermark{kEngine, sequence}).ok());
    Run();
  }
  static PublisherChange Of(PublisherChange::Action action) {
    return {action, SourceOfEpoch(kEngine), kEngine, kNode};
  }

  struct Lane {
    std::vector<std::string> statuses;
    std::vector<uint64_t> sequences;
  };
  // What was delivered of each lane, in order.
  std::map<std::string, Lane> Delivered() const {
    std::map<std::string, Lane> lanes;
    for (const auto& attempt : transport.attempts()) {
      Lane& lane = lanes[attempt.lane];
      if (!lane.sequences.empty() && lane.sequences.back() == attempt.lane_sequence) {
        continue;  // an attempt before it failed
      }
      lane.statuses.push_back(attempt.event.status);
      lane.sequences.push_back(attempt.lane_sequence);
    }
    return lanes;
  }
  void ExpectEachEndedOnce(int count = kStreams) {
    int streams = 0, sessions = 0;
    for (const auto& [key, lane] : Delivered()) {
      if (lane.statuses.front() == "PUBLISHING") {
        ++streams;
        EXPECT_THAT(lane.statuses, ::testing::ElementsAre("PUBLISHING", "FAILED")) << key;
        EXPECT_THAT(lane.sequences, ::testing::ElementsAre(1, 2)) << key;
      } else {
        ++sessions;
        EXPECT_THAT(lane.statuses, ::testing::ElementsAre("DISCONNECTED")) << key;
      }
    }
    EXPECT_EQ(streams, count);
    EXPECT_EQ(sessions, count);
  }

  SurvivingSpool& disk;
  bool up = true;
  uint64_t sequence = 0;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_ROUTER_RECOVERY_BENCH_H_
