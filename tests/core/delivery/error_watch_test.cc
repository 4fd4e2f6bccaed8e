// One non-final ErrorEvent for an event, and whose turn it is to say "waiting".
#include "delivery/error_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

MonoTime At(int seconds) { return MonoTime::AtOffset(absl::Seconds(seconds)); }

TEST(ErrorWatchTest, TheFirstOneIsClaimedOnce) {
  ErrorWatch watch;
  watch.Watch(1, At(10));
  EXPECT_TRUE(watch.ClaimFirst(1));
  EXPECT_FALSE(watch.ClaimFirst(1));
  EXPECT_FALSE(watch.ClaimFirst(2)) << "nobody watches it";
}

TEST(ErrorWatchTest, TakesTheDueOnesOnceInTheOrderOfTheirDeadlines) {
  ErrorWatch watch;
  watch.Watch(1, At(30));
  watch.Watch(2, At(10));
  watch.Watch(3, At(20));
  EXPECT_EQ(watch.NextDue(), At(10));
  EXPECT_THAT(watch.TakeDue(At(9)), IsEmpty());
  EXPECT_THAT(watch.TakeDue(At(20)), ElementsAre(2, 3));
  EXPECT_THAT(watch.TakeDue(At(20)), IsEmpty());
  EXPECT_EQ(watch.NextDue(), At(30));
}

TEST(ErrorWatchTest, WhatWasClaimedOrSettledIsNotDue) {
  ErrorWatch watch;
  watch.Watch(1, At(10));
  watch.Watch(2, At(10));
  watch.Watch(3, At(10));
  EXPECT_TRUE(watch.ClaimFirst(1));
  watch.Forget(2);
  EXPECT_THAT(watch.TakeDue(At(10)), ElementsAre(3));
  EXPECT_EQ(watch.NextDue(), std::nullopt);
  EXPECT_TRUE(watch.ClaimFirst(3)) << "being due claims nothing yet";
  EXPECT_FALSE(watch.ClaimFirst(2));
}

}  // namespace
}  // namespace tallybus
