// The table of lanes: who is in it, and when one is forgotten.
#include "delivery/lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/endpoint_queue.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LaneTableTest : public ::testing::Test {
 protected:
  Metrics metrics;
  EndpointQueue queue{"a/backend", 1, metrics};
  EndpointQueue other{"b/backend", 1, metrics};
  LaneTable lanes;
  MonoTime now = MonoTime::AtOffset(absl::Seconds(1000));
};

TEST_F(LaneTableTest, ALaneIsOneOfItsRouteAndKey) {
  Lane& lane = lanes.Get(queue, "x");
  EXPECT_EQ(&lanes.Get(queue, "x"), &lane);
  EXPECT_NE(&lanes.Get(queue, "y"), &lane);
  EXPECT_NE(&lanes.Get(other, "x"), &lane);
  EXPECT_EQ(lanes.size(), 3u);
  EXPECT_EQ(lane.next_sequence, 1u);
  EXPECT_EQ(lane.state, Lane::State::kIdle);
}

TEST_F(LaneTableTest, FindMakesNoneAndDisturbsNoRest) {
  EXPECT_EQ(lanes.Find(queue, "x"), nullptr);
  Lane& lane = lanes.Get(queue, "x");
  lanes.Rest(lane, now);
  EXPECT_EQ(lanes.Find(queue, "x"), &lane);
  lanes.Prune(now + absl::Hours(25));
  EXPECT_EQ(lanes.size(), 0u);
}

TEST_F(LaneTableTest, ALaneTakesNoMoreThan320BytesOfAList) {
  EXPECT_LE(sizeof(Lane) + 2 * sizeof(void*), 320u);
}

TEST_F(LaneTableTest, StaysAtItsAddress) {
  Lane& lane = lanes.Get(queue, "x");
  for (int i = 0; i < 1000; ++i) lanes.Get(queue, std::to_string(i));
  EXPECT_EQ(&lanes.Get(queue, "x"), &lane);
}

TEST_F(LaneTableTest, AnOrdinaryLaneIsForgottenAfterADay) {
  lanes.Rest(lanes.Get(queue, "x"), now);
  lanes.Prune(now + absl::Hours(24));
  EXPECT_EQ(lanes.size(), 1u);
  lanes.Prune(now + absl::Hours(24) + absl::Seconds(1));
  EXPECT_EQ(lanes.size(), 0u);
}

TEST_F(LaneTableTest, AnEndedLaneIsForgottenAfterAnHour) {
  Lane& lane = lanes.Get(queue, "x");
  lane.next_sequence = 9;
  lane.ended = true;
  lanes.Rest(lane, now);
  lanes.Prune(now + absl::Hours(1));
  EXPECT_EQ(lanes.size(), 1u);
  lanes.Prune(now + absl::Hours(1) + absl::Seconds(1));
  EXPECT_EQ(lanes.size(), 0u);
  EXPECT_EQ(lanes.Get(queue, "x").next_sequence, 1u);
}

TEST_F(LaneTableTest, ALaneInUseIsNeverForgotten) {
  lanes.Get(queue, "new");
  Lane& again = lanes.Get(queue, "again");
  lanes.Rest(again, now);
  lanes.Get(queue, "again");
  again.state = Lane::State::kReady;
  lanes.Prune(now + absl::Hours(1000));
  EXPECT_EQ(lanes.size(), 2u);
}

TEST_F(LaneTableTest, ForgetsEachLaneByItsOwnIdleTime) {
  lanes.Rest(lanes.Get(queue, "x"), now);
  lanes.Rest(lanes.Get(queue, "y"), now + absl::Hours(10));
  lanes.Rest(lanes.Get(queue, "x"), now + absl::Hours(20));
  lanes.Prune(now + absl::Hours(35));
  EXPECT_EQ(lanes.size(), 1u) << "x rested again since";
  lanes.Prune(now + absl::Hours(45));
  EXPECT_EQ(lanes.size(), 0u);
}

TEST_F(LaneTableTest, TellsTheNumbersOfTheLanesThatItForgets) {
  Lane& x = lanes.Get(queue, "x");
  Lane& y = lanes.Get(queue, "y");
  lanes.Rest(x, now);
  lanes.Rest(y, now + absl::Hours(1));
  const LaneId of_x = x.id, of_y = y.id;
  EXPECT_THAT(lanes.Prune(now + absl::Hours(24) + absl::Seconds(1)), ElementsAre(of_x));
  EXPECT_EQ(lanes.Find(of_x), nullptr);
  EXPECT_EQ(lanes.Find(of_y), &y);
}

TEST_F(LaneTableTest, ALaneWithARowOnItsWayDoesNotRest) {
  Lane& lane = lanes.Get(queue, "x");
  lane.placed = 1;
  lanes.Rest(lane, now);
  EXPECT_EQ(lane.state, Lane::State::kIdle);
  EXPECT_THAT(lanes.Prune(now + absl::Hours(1000)), IsEmpty());
  EXPECT_THAT(lanes.busy(), SizeIs(1));
  lane.placed = 0;
  lanes.Rest(lane, now);
  EXPECT_THAT(lanes.busy(), IsEmpty());
}

TEST_F(LaneTableTest, ARestoredLaneRestsAndCountsOn) {
  LaneRecord record = {
      .id = 7, .route = "a/backend", .key = "x", .last_sequence = 41, .ended = true};
  Lane& lane = lanes.Restore(queue, record, now);
  EXPECT_EQ(lanes.Find(7), &lane);
  EXPECT_EQ(lanes.Find(queue, "x"), &lane);
  EXPECT_EQ(lane.next_sequence, 42u);
  EXPECT_THAT(lanes.busy(), IsEmpty());
  EXPECT_EQ(lanes.Get(queue, "new").id, 8u) << "numbers are not given twice";
  EXPECT_THAT(lanes.Prune(now + absl::Hours(1) + absl::Seconds(1)), ElementsAre(7));
}

TEST_F(LaneTableTest, AStrayIsForgottenAtOnceAndItsHomeNotBeforeIt) {
  Lane& home = lanes.Get(queue, "x");
  Lane& stray = lanes.Stray(home);
  EXPECT_EQ(lanes.Find(stray.id), &stray);
  EXPECT_EQ(lanes.Find(queue, "x"), &home) << "new events go to the home";
  EXPECT_EQ(home.passed, 1);
  EXPECT_EQ(stray.key, "x");
  const LaneId of_home = home.id, of_stray = stray.id;
  lanes.Rest(home, now);
  EXPECT_THAT(lanes.Prune(now + absl::Hours(1000)), IsEmpty());
  lanes.Rest(stray, now);
  EXPECT_EQ(lanes.Find(of_stray), nullptr);
  EXPECT_THAT(lanes.Prune(now + absl::Hours(1000)), ElementsAre(of_home));
  EXPECT_EQ(lanes.size(), 0u);
}

}  // namespace
}  // namespace tallybus
