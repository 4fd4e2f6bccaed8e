// Two ways to trip, one way back.
#include "delivery/circuit_breaker.h"

#include <algorithm>

namespace tallybus {
namespace {

constexpr int kTripsInARow = 5;
constexpr int kTripsFromRequests = 20;
constexpr absl::Duration kFirstStep = absl::Seconds(5);
constexpr absl::Duration kLongestStep = absl::Seconds(60);

int64_t SecondOf(MonoTime now) { return absl::ToInt64Seconds(now - MonoTime()); }

}  // namespace

void CircuitBreaker::Count(bool failed, MonoTime now) {
  if (state_ != State::kClosed) return;
  const int64_t number = SecondOf(now);
  Second& second = window_[static_cast<size_t>(number) % window_.size()];
  if (second.number != number) second = {.number = number};
  ++second.requests;
  if (failed) ++second.failed;
  in_a_row_ = failed ? in_a_row_ + 1 : 0;
  if (in_a_row_ < kTripsInARow && !HalfFailed(number)) return;
  since_ = now;
  failed_probes_ = 0;
  Open(now);
}

bool CircuitBreaker::HalfFailed(int64_t now) const {
  int requests = 0;
  int failed = 0;
  for (const Second& second : window_) {
    if (now - second.number >= kWindowSeconds) continue;
    requests += second.requests;
    failed += second.failed;
  }
  return requests >= kTripsFromRequests && 2 * failed >= requests;
}

void CircuitBreaker::Open(MonoTime now) {
  state_ = State::kOpen;
  const int doublings = std::min(failed_probes_, 4);  // 5 s * 2^4 is over the longest step
  probe_at_ = now + jitter_.HalfToWhole(std::min(kLongestStep, kFirstStep * (1 << doublings)));
}

void CircuitBreaker::ProbeSucceeded(MonoTime now) {
  if (state_ != State::kHalfOpen) return;
  state_ = State::kClosed;
  since_ = now;
  failed_probes_ = 0;
  in_a_row_ = 0;
  window_.fill({});
}

void CircuitBreaker::ProbeFailed(MonoTime now) {
  if (state_ != State::kHalfOpen) return;
  ++failed_probes_;
  Open(now);
}

void CircuitBreaker::ProbeAtOnce(MonoTime now) {
  if (state_ == State::kOpen) probe_at_ = std::min(probe_at_, now);
}

}  // namespace tallybus
