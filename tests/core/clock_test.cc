// Instants that only differ from one another, and the machine's clocks.
#include "tallybus/clock.h"

#include <gtest/gtest.h>

namespace tallybus {
namespace {

TEST(MonoTimeTest, IsOrderedByItsOffset) {
  const MonoTime early = MonoTime::AtOffset(absl::Seconds(1));
  const MonoTime late = early + absl::Milliseconds(1);
  EXPECT_LT(early, late);
  EXPECT_GT(late, early);
  EXPECT_LE(early, early);
  EXPECT_GE(late, early);
  EXPECT_EQ(late + -absl::Milliseconds(1), early);
  EXPECT_EQ(late - early, absl::Milliseconds(1));
}

TEST(MonoTimeTest, InfiniteIsAfterEverythingAndStaysThere) {
  const MonoTime never = MonoTime::Infinite();
  EXPECT_LT(MonoTime::AtOffset(absl::Hours(1'000'000)), never);
  EXPECT_EQ(never + absl::Hours(1), never);
  EXPECT_EQ(never - MonoTime(), absl::InfiniteDuration());
}

TEST(SystemClockTest, NeverGoesBackAndKnowsTheDate) {
  SystemClock clock;
  const MonoTime first = clock.Now();
  EXPECT_GE(clock.Now(), first);
  EXPECT_GT(clock.WallNow(), absl::FromUnixSeconds(1'700'000'000));
}

TEST(SystemClockTest, TheCoarseTimeIsOfTheSameClockAndHardlyLate) {
  SystemClock clock;
  const MonoTime coarse = clock.CoarseNow();
  const MonoTime now = clock.Now();
  EXPECT_LE(coarse, now);
  EXPECT_GE(clock.CoarseNow(), coarse);
  // Ten times what it may be late: this thread may be kept waiting between the two.
  EXPECT_LT(now - coarse, absl::Milliseconds(100));
}

}  // namespace
}  // namespace tallybus
