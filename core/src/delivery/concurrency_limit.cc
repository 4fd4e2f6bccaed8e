// Two rules, once each mean round trip.
#include "delivery/concurrency_limit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tallybus/transport.h"

namespace tallybus {
namespace {

constexpr int kFirstLimit = 8;
constexpr double kAlpha = 0.4;
constexpr double kSlowSigmas = 2.5;
// A queue that is shorter harms nobody, while fewer requests at once than a near peer could take
// leave it idle for as long as we need to send the next one.
constexpr double kSlowAtLeastSeconds = 0.01;
// Enough round trips for an average that noise does not decide, and of several intervals.
constexpr int64_t kCrowdingSamples = 100;
constexpr int64_t kCrowdingIntervals = 8;
constexpr double kNearSeconds = 0.002;

}  // namespace

ConcurrencyLimit::ConcurrencyLimit(int max_connections)
    : max_(std::max(1, max_connections)), limit_(std::min(kFirstLimit, max_)) {}

bool ConcurrencyLimit::HasRoomAhead() const {
  return limit_ == max_ && in_flight() < max_ + most_ahead_ && of_earlier_settings_ == 0 &&
         successes_ >= kSuccessesBeforeAhead && mean_ < kNearSeconds;
}

ConcurrencyLimit::Slot ConcurrencyLimit::Start() {
  ++in_flight_;
  if (in_flight_ >= limit_) reached_ = true;
  return {.era = era_, .setting = setting_, .load = std::min(in_flight_, max_)};
}

void ConcurrencyLimit::Ended(const Slot& slot) {
  if (slot.setting != setting_) --of_earlier_settings_;
  --(slot.era == era_ ? in_flight_ : from_earlier_eras_);
}

void ConcurrencyLimit::TakeBack(const Slot& slot) {
  Ended(slot);
  successes_ = 0;
}

bool ConcurrencyLimit::Finish(const Slot& slot, Outcome outcome, absl::Duration rtt, MonoTime now) {
  const bool current = slot.era == era_;
  if (current && in_flight_ >= limit_) reached_ = true;
  Ended(slot);
  if (!current) return false;
  if (outcome == Outcome::kNothing) return true;
  successes_ = outcome == Outcome::kSuccess ? std::min(successes_ + 1, kSuccessesBeforeAhead) : 0;
  if (outcome == Outcome::kNoMeasure) return true;
  const double seconds = absl::ToDoubleSeconds(rtt);
  if (outcome == Outcome::kPushedBack) {
    interval_.pushed_back = true;
  } else {
    ++interval_.successes;
    interval_.sum += seconds;
    interval_.sum_of_squares += seconds * seconds;
    if (falling_to_ == 0) crowding_.Add(slot.load, seconds);
  }
  if (now >= decide_at_) Decide(now, seconds);
  return true;
}

void ConcurrencyLimit::Decide(MonoTime now, double latest) {
  const bool measured = interval_.successes > 0;
  const double rtt = measured ? interval_.sum / static_cast<double>(interval_.successes) : mean_;
  if (measured && mean_ == 0) {
    mean_ = rtt;
    variance_ = interval_.sum_of_squares / static_cast<double>(interval_.successes) - rtt * rtt;
  }
  LookForCrowding();
  const bool pushed_back = interval_.pushed_back || falling_to_ != 0;
  if (pushed_back || (measured && rtt >= Slow())) {
    Decrease();
  } else if (reached_ && doubling_) {
    limit_ = std::min(max_, 2 * limit_);
  } else if (reached_ && rtt <= mean_) {
    limit_ = std::min(max_, limit_ + 1);
  }
  if (measured) Learn(rtt);
  decide_at_ = now + absl::Seconds(mean_ > 0 ? mean_ : latest);
  interval_ = {};
  reached_ = in_flight_ >= limit_;
}

void ConcurrencyLimit::LookForCrowding() {
  if (!reached_ || mean_ < kSlowAtLeastSeconds) {
    // The load is the traffic's, not ours: it grows where round trips do, not the other way round.
    crowding_.Forget();
    falling_to_ = 0;
  } else if (falling_to_ == 0) {
    // A doubling must be judged by itself: the next one is near.
    const int64_t enough =
        doubling_ ? limit_ : std::max(kCrowdingSamples, kCrowdingIntervals * limit_);
    falling_to_ = crowding_.Compare(enough).value_or(0);
  }
}

void ConcurrencyLimit::Decrease() {
  limit_ = std::max(1, limit_ * 9 / 10);
  doubling_ = false;
  if (limit_ <= falling_to_) falling_to_ = 0;
}

void ConcurrencyLimit::Learn(double rtt) {
  const double mean_square = interval_.sum_of_squares / static_cast<double>(interval_.successes);
  const double around_mean = mean_square - 2 * mean_ * rtt + mean_ * mean_;
  variance_ += kAlpha * (std::max(0.0, around_mean) - variance_);
  mean_ += kAlpha * (rtt - mean_);
}

double ConcurrencyLimit::Slow() const {
  const double sigma = std::sqrt(std::max(0.0, variance_));
  return mean_ + std::max(kSlowSigmas * sigma, kSlowAtLeastSeconds);
}

void ConcurrencyLimit::RestartAt1() {
  const ConcurrencyLimit before = std::exchange(*this, ConcurrencyLimit(max_));
  most_ahead_ = before.most_ahead_;
  setting_ = before.setting_;
  of_earlier_settings_ = before.of_earlier_settings_;
  from_earlier_eras_ = before.in_flight();
  era_ = before.era_ + 1;
  limit_ = 1;
  doubling_ = false;
}

void ConcurrencyLimit::SetMaxConnections(int max_connections, int most_ahead) {
  max_ = std::max(1, max_connections);
  most_ahead_ = most_ahead;
  ++setting_;
  of_earlier_settings_ = in_flight();
  limit_ = std::min(limit_, max_);
}

}  // namespace tallybus
