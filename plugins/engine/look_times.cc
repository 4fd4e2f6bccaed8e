// What is found by a look came within the millisecond, however late the look was: only one who had
// to be woken says that events are rare.
#include "look_times.h"

#include <algorithm>
#include <utility>

#include "clock.h"

namespace tallybus::engine {
namespace {

constexpr int64_t kLookForUs = kMillisecondUs;
constexpr int64_t kFirstLookUs = 50;
constexpr int64_t kLongestWaitUs = 200;

}  // namespace

void LookTimes::NoteSending(int64_t sent_us) {
  if (sent_us == sent_us_) return;
  sent_us_ = sent_us;
  rare_ = std::exchange(parked_, false);
}

int64_t LookTimes::WaitUs(int64_t now_us) const {
  const int64_t quiet_us = now_us - sent_us_;
  const int64_t left_us = std::max<int64_t>(0, kLookForUs - quiet_us);
  return rare_ ? left_us
               : std::min(left_us, std::clamp(quiet_us * 3 / 4, kFirstLookUs, kLongestWaitUs));
}

}  // namespace tallybus::engine
