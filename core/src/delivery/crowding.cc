// One comparison of two averages.
#include "delivery/crowding.h"

#include <algorithm>
#include <cmath>

namespace tallybus {
namespace {

constexpr double kOtherLoad = 1.2;       // what two loads must differ by to be compared
constexpr double kOtherRoundTrip = 1.5;  // at one load: worth a look at a lower one
constexpr int kMostPatience = 512;
constexpr double kWaiting = 0.6;          // growth of round trips by growth of load, in logarithms
constexpr double kFallTo = 0.75;          // of the lower load: clearly another one
constexpr double kUnfeltSeconds = 0.001;  // waiting that harms nobody, and that noise can feign

}  // namespace

void Crowding::Add(int load, double seconds) {
  ++count_;
  sum_.load += load;
  sum_.seconds += seconds;
}

std::optional<int> Crowding::Compare(int64_t samples) {
  if (count_ == 0 || count_ < samples) return std::nullopt;
  const auto count = static_cast<double>(count_);
  const Average now = {sum_.load / count, std::max(sum_.seconds / count, 1e-9)};
  count_ = 0;
  sum_ = {};
  if (!before_) {
    before_ = now;
    return std::nullopt;
  }
  const Average before = *before_;
  const double more = std::log(now.load / before.load);
  const double longer = std::log(now.seconds / before.seconds);
  const bool other_load = std::abs(more) >= std::log(kOtherLoad);
  const bool other_round_trip = std::abs(longer) >= std::log(kOtherRoundTrip);
  const bool alike = !other_load && !other_round_trip;
  if (alike && ++alike_ < patience_) return std::nullopt;
  before_ = now;
  alike_ = 0;
  if (alike) patience_ = std::min(2 * patience_, kMostPatience);
  const bool too_much = other_load ? longer / more > kWaiting : alike || longer > 0;
  if (too_much && !alike) patience_ = kFirstPatience;
  if (!too_much || now.seconds < kUnfeltSeconds) return std::nullopt;
  const double load = other_load ? std::min(now.load, before.load) : now.load;
  return std::max(1, static_cast<int>(kFallTo * load));
}

}  // namespace tallybus
