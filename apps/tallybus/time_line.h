// What `tallybus trace` prints: a daemon's trace as lines that a person reads.
#ifndef TALLYBUS_APPS_TALLYBUS_TIME_LINE_H_
#define TALLYBUS_APPS_TALLYBUS_TIME_LINE_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>
#include <string_view>

namespace tallybus::cli {

// A line for each event, then one for each step (time of day in `zone`, time since the first step,
// which event, what happened, route), then the closing sentence; ends in a newline. Control
// characters are escaped, so that an event cannot drive a terminal. `trace_json` is what TraceJson
// of tallybus/trace.h makes; INVALID_ARGUMENT: it is not.
absl::StatusOr<std::string> TimeLine(std::string_view trace_json, absl::TimeZone zone);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_TIME_LINE_H_
