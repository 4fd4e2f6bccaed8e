// The only place of core that asks the machine for the time.
#include "tallybus/clock.h"

#include <absl/time/clock.h>
#include <time.h>

#include <chrono>

namespace tallybus {

MonoTime SystemClock::Now() const {
  return MonoTime::AtOffset(absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()));
}

MonoTime SystemClock::CoarseNow() const {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);  // of the clock that steady_clock reads
  return MonoTime::AtOffset(absl::DurationFromTimespec(now));
}

absl::Time SystemClock::WallNow() const { return absl::Now(); }

}  // namespace tallybus
