// When a failed attempt is made again, and when an event gives up. Pure.
#ifndef TALLYBUS_DELIVERY_RETRY_SCHEDULE_H_
#define TALLYBUS_DELIVERY_RETRY_SCHEDULE_H_

#include <absl/time/time.h>

#include <optional>

#include "tallybus/route.h"

namespace tallybus {

struct Trying {
  int attempts = 1;            // made so far, at least one
  absl::Duration for_time;     // since the first one began
  bool terminal = false;       // goes on where others give up
  absl::Duration retry_after;  // the peer's hint; zero: none
};

// The longest delay before the next attempt; nullopt: give up. `live` doubles from 0.5 s to 15 s
// and gives up 15 minutes after the first attempt; a terminal event goes on for 72 hours.
std::optional<absl::Duration> RetryStep(const RetrySchedule& schedule, const Trying& trying);

// Full jitter: `step` scaled by a random number in [0, 1), but not below the peer's hint.
absl::Duration JitteredDelay(absl::Duration step, const Trying& trying, double random);

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_RETRY_SCHEDULE_H_
