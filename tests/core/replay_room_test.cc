// What may be sent again: within the route's quota, in order.
#include "replay_room.h"

#include <gtest/gtest.h>

namespace tallybus {
namespace {

TEST(ReplayRoomTest, TheQuotaHoldsForWhatWaitsAndWhatWasTaken) {
  ReplayRoom room;
  const ReplayRoom::Limits limits{.waiting = 600, .quota = 1000};
  EXPECT_TRUE(room.Takes("a", 200, limits));
  EXPECT_TRUE(room.Takes("a", 200, limits));
  EXPECT_FALSE(room.Takes("a", 200, limits));
  EXPECT_FALSE(room.Takes("a", 0, limits)) << "nothing passes what had no room";
  EXPECT_TRUE(room.Takes("b", 200, limits)) << "another route's is its own";
}

TEST(ReplayRoomTest, WhatIsQueuedCountsOnceInTheNextLimits) {
  ReplayRoom room;
  EXPECT_TRUE(room.Takes("a", 400, {.waiting = 0, .quota = 1000}));
  room.Queued("a");
  EXPECT_TRUE(room.Takes("a", 600, {.waiting = 400, .quota = 1000}));
}

TEST(ReplayRoomTest, ARouteWithoutAQuotaTakesAll) {
  ReplayRoom room;
  EXPECT_TRUE(room.Takes("a", size_t{1} << 40, {.waiting = 5, .quota = 0}));
}

}  // namespace
}  // namespace tallybus
