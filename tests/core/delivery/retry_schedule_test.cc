// The named schedules, step by step.
#include "delivery/retry_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace tallybus {
namespace {

using ::testing::ElementsAre;

using Kind = RetrySchedule::Kind;
using Steps = std::vector<absl::Duration>;

std::optional<absl::Duration> StepOf(const RetrySchedule& schedule, const Trying& trying) {
  const auto next = NextStep(schedule, trying);
  if (!next) return std::nullopt;
  return next->step;
}

std::optional<absl::Duration> LiveStepAfter(int attempts, absl::Duration for_time,
                                            bool terminal = false) {
  return StepOf({.kind = Kind::kLive}, {.attempts = attempts,
                                        .for_time = for_time,
                                        .terminal = terminal,
                                        .retry_after = absl::ZeroDuration()});
}

Trying Attempts(int attempts) {
  Trying trying;
  trying.attempts = attempts;
  return trying;
}

// Every step until it gives up.
Steps All(const RetrySchedule& schedule) {
  Steps steps;
  while (auto step = StepOf(schedule, Attempts(static_cast<int>(steps.size()) + 1))) {
    steps.push_back(*step);
  }
  return steps;
}

TEST(RetryScheduleTest, LiveDoublesFromHalfASecondToFifteen) {
  std::vector<double> seconds;
  for (int attempts = 1; attempts <= 8; ++attempts) {
    seconds.push_back(absl::ToDoubleSeconds(LiveStepAfter(attempts, {}).value()));
  }
  EXPECT_THAT(seconds, ElementsAre(0.5, 1, 2, 4, 8, 15, 15, 15));
  EXPECT_EQ(LiveStepAfter(2'000'000'000, absl::ZeroDuration()), absl::Seconds(15));
}

TEST(RetryScheduleTest, LiveGivesUpAfterAQuarterOfAnHour) {
  EXPECT_EQ(LiveStepAfter(70, absl::Minutes(15) - absl::Milliseconds(1)), absl::Seconds(15));
  EXPECT_EQ(LiveStepAfter(70, absl::Minutes(15)), std::nullopt);
}

TEST(RetryScheduleTest, ATerminalEventGoesOnForThreeDays) {
  EXPECT_EQ(LiveStepAfter(70, absl::Minutes(15), true), absl::Seconds(15));
  EXPECT_EQ(LiveStepAfter(70, absl::Hours(72) - absl::Milliseconds(1), true), absl::Seconds(15));
  EXPECT_EQ(LiveStepAfter(70, absl::Hours(72), true), std::nullopt);
}

TEST(RetryScheduleTest, StandardGoesToItsLastStepAndGivesUp) {
  EXPECT_THAT(All({.kind = Kind::kStandard}),
              ElementsAre(absl::Seconds(5), absl::Minutes(5), absl::Minutes(30), absl::Hours(2),
                          absl::Hours(5), absl::Hours(10), absl::Hours(14), absl::Hours(20),
                          absl::Hours(24)));
}

TEST(RetryScheduleTest, TheTimeOfTryingEndsNoListedSchedule) {
  Trying trying = Attempts(9);
  trying.for_time = absl::Hours(200);
  EXPECT_EQ(StepOf({.kind = Kind::kStandard}, trying), absl::Hours(24));
}

TEST(RetryScheduleTest, AListIsFollowedAsWritten) {
  const Steps written = {absl::Seconds(7), absl::Seconds(1), absl::Minutes(2)};
  EXPECT_EQ(All({.kind = Kind::kSteps, .steps = written}), written);
  EXPECT_EQ(All({.kind = Kind::kSteps}), Steps());
}

TEST(RetryScheduleTest, NoneGivesUpAtOnce) {
  EXPECT_EQ(NextStep({.kind = Kind::kNone}, {}), std::nullopt);
  EXPECT_EQ(LongestStep({.kind = Kind::kNone}), absl::ZeroDuration());
}

TEST(RetryScheduleTest, JitterIsFull) {
  const RetryStep step = {.step = absl::Seconds(8), .longest = absl::Seconds(15)};
  EXPECT_EQ(JitteredDelay(step, {}, 0), absl::ZeroDuration());
  EXPECT_EQ(JitteredDelay(step, {}, 0.5), absl::Seconds(4));
  EXPECT_LT(JitteredDelay(step, {}, 0.999), absl::Seconds(8));
}

TEST(RetryScheduleTest, ThePeersHintIsTheLeastAndIsCapped) {
  const RetryStep step = {.step = absl::Seconds(8), .longest = absl::Seconds(15)};
  Trying trying;
  trying.retry_after = absl::Seconds(3);
  EXPECT_EQ(JitteredDelay(step, trying, 0.1), absl::Seconds(3));
  EXPECT_EQ(JitteredDelay(step, trying, 0.5), absl::Seconds(4));
  trying.retry_after = absl::Hours(1);
  EXPECT_EQ(JitteredDelay(step, trying, 0.5), absl::Seconds(15));
}

TEST(RetryScheduleTest, AHintIsCappedAtTheLongestStepOfItsOwnSchedule) {
  Trying trying = Attempts(1);
  trying.retry_after = absl::Hours(1);
  const auto delay = [&trying](const RetrySchedule& schedule) {
    return JitteredDelay(NextStep(schedule, trying).value(), trying, 0);
  };
  EXPECT_EQ(delay({.kind = Kind::kLive}), absl::Seconds(15));
  EXPECT_EQ(delay({.kind = Kind::kStandard}), absl::Hours(1));
  EXPECT_EQ(delay({.kind = Kind::kSteps,
                   .steps = {absl::Seconds(1), absl::Seconds(40), absl::Seconds(2)}}),
            absl::Seconds(40));
}

TEST(RetryScheduleTest, OutagesMayCostThreeDaysBesideTheOwnTrying) {
  const absl::Duration own = absl::Minutes(14);
  EXPECT_FALSE(OutlastedOutages(absl::Hours(72) + own - absl::Milliseconds(1), own));
  EXPECT_TRUE(OutlastedOutages(absl::Hours(72) + own, own));
}

}  // namespace
}  // namespace tallybus
