// The named schedules as arithmetic.
#include "delivery/retry_schedule.h"

#include <algorithm>
#include <array>
#include <span>

namespace tallybus {
namespace {

constexpr absl::Duration kLiveFirst = absl::Milliseconds(500);
constexpr absl::Duration kLiveLongest = absl::Seconds(15);
constexpr absl::Duration kLiveGivesUpAfter = absl::Minutes(15);
constexpr absl::Duration kTerminalGivesUpAfter = absl::Hours(72);
constexpr absl::Duration kMaxOutage = absl::Hours(72);

constexpr std::array kStandard = {
    absl::Seconds(5), absl::Minutes(5), absl::Minutes(30), absl::Hours(2),  absl::Hours(5),
    absl::Hours(10),  absl::Hours(14),  absl::Hours(20),   absl::Hours(24),
};

std::span<const absl::Duration> StepsOf(const RetrySchedule& schedule) {
  switch (schedule.kind) {
    case RetrySchedule::Kind::kStandard:
      return kStandard;
    case RetrySchedule::Kind::kSteps:
      return schedule.steps;
    case RetrySchedule::Kind::kNone:
    case RetrySchedule::Kind::kLive:
      break;
  }
  return {};
}

std::optional<absl::Duration> LiveStep(const Trying& trying) {
  if (trying.for_time >= (trying.terminal ? kTerminalGivesUpAfter : kLiveGivesUpAfter)) {
    return std::nullopt;
  }
  const int doublings = std::clamp(trying.attempts - 1, 0, 5);  // 0.5 s * 2^5 is over the longest
  return std::min(kLiveLongest, kLiveFirst * (1 << doublings));
}

}  // namespace

absl::Duration LongestStep(const RetrySchedule& schedule) {
  if (schedule.kind == RetrySchedule::Kind::kLive) return kLiveLongest;
  const auto steps = StepsOf(schedule);
  return steps.empty() ? absl::ZeroDuration() : *std::max_element(steps.begin(), steps.end());
}

std::optional<RetryStep> NextStep(const RetrySchedule& schedule, const Trying& trying) {
  std::optional<absl::Duration> step;
  if (schedule.kind == RetrySchedule::Kind::kLive) {
    step = LiveStep(trying);
  } else {
    const auto steps = StepsOf(schedule);
    const auto done = static_cast<size_t>(std::max(trying.attempts, 1));
    if (done <= steps.size()) step = steps[done - 1];
  }
  if (!step) return std::nullopt;
  return RetryStep{.step = *step, .longest = LongestStep(schedule)};
}

absl::Duration JitteredDelay(const RetryStep& step, const Trying& trying, double random) {
  return std::max(step.step * random, std::min(trying.retry_after, step.longest));
}

bool OutlastedOutages(absl::Duration since_acceptance, absl::Duration own_time) {
  return since_acceptance - own_time >= kMaxOutage;
}

}  // namespace tallybus
