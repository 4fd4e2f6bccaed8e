// What may be sent again: within the route's quota and seven eighths of the spool, in order.
#include "replay_room.h"

#include <gtest/gtest.h>

namespace tallybus {
namespace {

constexpr size_t kLarge = 1'000'000;

TEST(ReplayRoomTest, TheQuotaHoldsForWhatWaitsAndWhatWasTaken) {
  ReplayRoom room;
  const ReplayRoom::Limits limits{.waiting = 600, .quota = 1000, .used = 0, .max = kLarge};
  EXPECT_TRUE(room.Takes("a", 200, false, limits));
  EXPECT_TRUE(room.Takes("a", 200, true, limits));
  EXPECT_FALSE(room.Takes("a", 200, false, limits));
  EXPECT_FALSE(room.Takes("a", 1, false, limits)) << "nothing passes what had no room";
  EXPECT_TRUE(room.Takes("b", 200, false, limits)) << "another route's is its own";
}

TEST(ReplayRoomTest, WhatIsQueuedAndSpooledCountsOnceInTheNextLimits) {
  ReplayRoom room;
  EXPECT_TRUE(room.Takes("a", 400, false, {.waiting = 0, .quota = 1000, .used = 0, .max = 1200}));
  room.Queued("a");
  room.Spooled();
  EXPECT_TRUE(
      room.Takes("a", 600, false, {.waiting = 400, .quota = 1000, .used = 400, .max = 1200}));
}

TEST(ReplayRoomTest, AnEighthOfTheSpoolStaysFreeButADeadLetterTakesItsOwnPlace) {
  const ReplayRoom::Limits limits{.waiting = 0, .quota = 0, .used = 600, .max = 800};
  ReplayRoom room;
  EXPECT_TRUE(room.Takes("a", 100, false, limits));
  EXPECT_TRUE(room.Takes("b", 100, true, limits));
  EXPECT_FALSE(room.Takes("a", 1, false, limits));
  EXPECT_TRUE(room.Takes("b", 100, true, limits));
}

}  // namespace
}  // namespace tallybus
