// The only place of core that asks the machine for the time.
#include "tallybus/clock.h"

#include <absl/time/clock.h>

#include <chrono>

namespace tallybus {

MonoTime SystemClock::Now() const {
  return MonoTime::AtOffset(absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()));
}

absl::Time SystemClock::WallNow() const { return absl::Now(); }

}  // namespace tallybus
