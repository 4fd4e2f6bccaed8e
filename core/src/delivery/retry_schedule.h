// When a failed attempt is made again, and when an event gives up. Pure.
#ifndef TALLYBUS_DELIVERY_RETRY_SCHEDULE_H_
#define TALLYBUS_DELIVERY_RETRY_SCHEDULE_H_

#include <absl/time/time.h>

#include <optional>

#include "tallybus/route.h"

namespace tallybus {

// How long one event has been trying, for its own sake: what its endpoint's outages cost counts in
// neither number.
struct Trying {
  int attempts = 1;            // that were burnt, with the one that is judged; at least one
  absl::Duration for_time;     // own time since the first one began: EndpointGate::OwnTime
  bool terminal = false;       // goes on where others give up
  absl::Duration retry_after;  // the peer's hint; zero: none
  bool in_outage = false;      // EndpointGate::InOutage: the failure is the endpoint's
};

// One delay, before jitter.
struct RetryStep {
  absl::Duration step = absl::ZeroDuration();
  absl::Duration longest = absl::ZeroDuration();  // of the schedule: what a hint is capped at
};

// What to wait before the next attempt; nullopt: give up.
// live: 0.5 s doubling to 15 s; gives up after 15 minutes, a terminal event after 72 hours.
// standard: 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, then gives up. none: at once.
std::optional<RetryStep> NextStep(const RetrySchedule& schedule, const Trying& trying);

// Zero where there is no retry.
absl::Duration LongestStep(const RetrySchedule& schedule);

// Full jitter: the step scaled by a random number in [0, 1), or the peer's hint where that is
// later, capped at the schedule's longest step.
absl::Duration JitteredDelay(const RetryStep& step, const Trying& trying, double random);

// True where an event has waited for its endpoint, and behind others, for 72 hours or more
// (max_outage) and must be given up, whatever is left of its own trying.
bool OutlastedOutages(absl::Duration since_acceptance, absl::Duration own_time);

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_RETRY_SCHEDULE_H_
