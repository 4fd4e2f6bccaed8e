// One non-final ErrorEvent for an event, and whose turn it is to say "waiting".
#include "delivery/error_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kWait = absl::Seconds(10);

// Every row asked at second `asked` is due by then.
MonoTime At(int asked) { return MonoTime::AtOffset(absl::Seconds(asked)); }
MonoTime Due(int asked, absl::Duration wait = kWait) {
  return At(asked) + wait + ErrorWatch::kGrain;
}

TEST(ErrorWatchTest, TheFirstOneIsClaimedOnce) {
  ErrorWatch watch;
  watch.Watch(1, At(0), kWait);
  EXPECT_TRUE(watch.ClaimFirst(1));
  EXPECT_FALSE(watch.ClaimFirst(1));
  EXPECT_FALSE(watch.ClaimFirst(2)) << "nobody watches it";
}

TEST(ErrorWatchTest, ClaimsTheDueOnesOnce) {
  ErrorWatch watch;
  watch.Watch(1, At(0), kWait);
  watch.Watch(2, At(1), kWait);
  watch.Watch(3, At(2), kWait);
  EXPECT_EQ(watch.NextDue(), Due(0));
  EXPECT_THAT(watch.ClaimDue(At(0) + kWait, 10), IsEmpty());
  EXPECT_THAT(watch.ClaimDue(Due(1), 10), ElementsAre(1, 2));
  EXPECT_THAT(watch.ClaimDue(Due(1), 10), IsEmpty());
  EXPECT_FALSE(watch.ClaimFirst(2)) << "being due has claimed it";
  EXPECT_EQ(watch.NextDue(), Due(2));
}

TEST(ErrorWatchTest, RowsOfRoutesWithOtherTimeoutsAreDueInTheirOwnTime) {
  ErrorWatch watch;
  watch.Watch(1, At(0), absl::Seconds(60));
  watch.Watch(2, At(1), kWait);
  watch.Watch(3, At(2), absl::Seconds(60));
  EXPECT_EQ(watch.NextDue(), Due(1));
  EXPECT_THAT(watch.ClaimDue(Due(2), 10), ElementsAre(2));
  EXPECT_TRUE(watch.ClaimFirst(1));
  EXPECT_THAT(watch.ClaimDue(Due(2, absl::Seconds(60)), 10), ElementsAre(3));
  EXPECT_EQ(watch.NextDue(), std::nullopt);
}

TEST(ErrorWatchTest, WhatWasClaimedOrSettledIsNotDue) {
  ErrorWatch watch;
  for (SpoolSeq seq = 1; seq <= 3; ++seq) watch.Watch(seq, At(0), kWait);
  EXPECT_TRUE(watch.ClaimFirst(1));
  watch.Forget(2);
  EXPECT_THAT(watch.ClaimDue(Due(0), 10), ElementsAre(3));
  EXPECT_EQ(watch.NextDue(), std::nullopt);
  EXPECT_FALSE(watch.ClaimFirst(2));
}

TEST(ErrorWatchTest, TakesNoMoreAtATimeThanItIsAskedFor) {
  ErrorWatch watch;
  for (SpoolSeq seq = 1; seq <= 5; ++seq) watch.Watch(seq, At(0), kWait);
  EXPECT_THAT(watch.ClaimDue(Due(0), 2), ElementsAre(1, 2));
  EXPECT_EQ(watch.NextDue(), Due(0)) << "more are due now";
  EXPECT_THAT(watch.ClaimDue(Due(0), 9), ElementsAre(3, 4, 5));
}

TEST(ErrorWatchTest, EachOfManyIsClaimedOnce) {
  ErrorWatch watch;
  constexpr SpoolSeq kMany = 5000;
  for (SpoolSeq seq = 1; seq <= kMany; ++seq) watch.Watch(seq, At(0), kWait);
  for (SpoolSeq seq = 1; seq <= kMany; seq += 2) EXPECT_TRUE(watch.ClaimFirst(seq)) << seq;
  const std::vector<SpoolSeq> due = watch.ClaimDue(Due(0), 2 * kMany);
  ASSERT_EQ(due.size(), kMany / 2);
  for (size_t i = 0; i < due.size(); ++i) EXPECT_EQ(due[i], 2 * (i + 1));
}

}  // namespace
}  // namespace tallybus
