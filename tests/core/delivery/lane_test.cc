// The table of lanes: what waits in each, and when one is forgotten.
#include "delivery/lane.h"

#include <gtest/gtest.h>

namespace tallybus {
namespace {

class LaneTableTest : public ::testing::Test {
 protected:
  LaneTableTest() {
    queue.route = "a/backend";
    other.route = "b/backend";
  }

  EndpointQueue queue, other;
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

TEST_F(LaneTableTest, StaysAtItsAddress) {
  Lane& lane = lanes.Get(queue, "x");
  for (int i = 0; i < 1000; ++i) lanes.Get(queue, std::to_string(i));
  EXPECT_EQ(&lanes.Get(queue, "x"), &lane);
}

TEST_F(LaneTableTest, WhatWaitsComesOutInOrder) {
  Lane& x = lanes.Get(queue, "x");
  Lane& y = lanes.Get(queue, "y");
  EXPECT_EQ(lanes.PopWaiting(x), 0u);
  for (SpoolSeq seq : {1, 2, 3}) lanes.PushWaiting(x, seq);
  for (SpoolSeq seq : {4, 5}) lanes.PushWaiting(y, seq);
  EXPECT_EQ(lanes.PopWaiting(x), 1u);
  lanes.PushWaiting(y, 6);
  lanes.PushWaiting(x, 7);
  for (SpoolSeq seq : {2, 3, 7, 0}) EXPECT_EQ(lanes.PopWaiting(x), seq);
  for (SpoolSeq seq : {4, 5, 6, 0}) EXPECT_EQ(lanes.PopWaiting(y), seq);
  lanes.PushWaiting(x, 8);
  EXPECT_EQ(lanes.PopWaiting(x), 8u);
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

}  // namespace
}  // namespace tallybus
