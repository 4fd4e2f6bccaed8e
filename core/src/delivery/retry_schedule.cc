// The named schedules as arithmetic.
#include "delivery/retry_schedule.h"

#include <algorithm>

namespace tallybus {
namespace {

constexpr absl::Duration kFirstStep = absl::Milliseconds(500);
constexpr absl::Duration kLongestStep = absl::Seconds(15);
constexpr absl::Duration kGiveUpAfter = absl::Minutes(15);
constexpr absl::Duration kMaxOutage = absl::Hours(72);

}  // namespace

std::optional<absl::Duration> RetryStep(const RetrySchedule& schedule, const Trying& trying) {
  if (schedule.kind == RetrySchedule::Kind::kNone) return std::nullopt;
  if (trying.for_time >= (trying.terminal ? kMaxOutage : kGiveUpAfter)) return std::nullopt;
  const int doublings = std::min(trying.attempts - 1, 5);  // 0.5 s * 2^5 is over the longest step
  return std::min(kLongestStep, kFirstStep * (1 << doublings));
}

absl::Duration JitteredDelay(absl::Duration step, const Trying& trying, double random) {
  return std::max(step * random, std::min(trying.retry_after, kLongestStep));
}

}  // namespace tallybus
