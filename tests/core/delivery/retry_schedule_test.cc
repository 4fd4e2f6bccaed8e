// The named schedules, step by step.
#include "delivery/retry_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tallybus {
namespace {

using ::testing::ElementsAre;

constexpr RetrySchedule kLive = {RetrySchedule::Kind::kLive};

std::optional<absl::Duration> After(int attempts, absl::Duration for_time, bool terminal = false) {
  return RetryStep(kLive, {.attempts = attempts,
                           .for_time = for_time,
                           .terminal = terminal,
                           .retry_after = absl::ZeroDuration()});
}

TEST(RetryScheduleTest, LiveDoublesFromHalfASecondToFifteen) {
  std::vector<double> seconds;
  for (int attempts = 1; attempts <= 8; ++attempts) {
    seconds.push_back(absl::ToDoubleSeconds(After(attempts, absl::ZeroDuration()).value()));
  }
  EXPECT_THAT(seconds, ElementsAre(0.5, 1, 2, 4, 8, 15, 15, 15));
  EXPECT_EQ(After(2'000'000'000, absl::ZeroDuration()), absl::Seconds(15));
}

TEST(RetryScheduleTest, LiveGivesUpAfterAQuarterOfAnHour) {
  EXPECT_EQ(After(70, absl::Minutes(15) - absl::Milliseconds(1)), absl::Seconds(15));
  EXPECT_EQ(After(70, absl::Minutes(15)), std::nullopt);
}

TEST(RetryScheduleTest, ATerminalEventGoesOnForThreeDays) {
  EXPECT_EQ(After(70, absl::Minutes(15), true), absl::Seconds(15));
  EXPECT_EQ(After(70, absl::Hours(72) - absl::Milliseconds(1), true), absl::Seconds(15));
  EXPECT_EQ(After(70, absl::Hours(72), true), std::nullopt);
}

TEST(RetryScheduleTest, NoneGivesUpAtOnce) {
  EXPECT_EQ(RetryStep({RetrySchedule::Kind::kNone}, {}), std::nullopt);
}

TEST(RetryScheduleTest, JitterIsFull) {
  EXPECT_EQ(JitteredDelay(absl::Seconds(8), {}, 0), absl::ZeroDuration());
  EXPECT_EQ(JitteredDelay(absl::Seconds(8), {}, 0.5), absl::Seconds(4));
  EXPECT_LT(JitteredDelay(absl::Seconds(8), {}, 0.999), absl::Seconds(8));
}

TEST(RetryScheduleTest, ThePeersHintIsTheLeastAndIsCapped) {
  Trying trying;
  trying.retry_after = absl::Seconds(3);
  EXPECT_EQ(JitteredDelay(absl::Seconds(8), trying, 0.1), absl::Seconds(3));
  EXPECT_EQ(JitteredDelay(absl::Seconds(8), trying, 0.5), absl::Seconds(4));
  trying.retry_after = absl::Hours(1);
  EXPECT_EQ(JitteredDelay(absl::Seconds(8), trying, 0.5), absl::Seconds(15));
}

}  // namespace
}  // namespace tallybus
