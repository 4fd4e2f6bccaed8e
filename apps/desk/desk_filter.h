// From a question's parameters to the rows that are meant.
#ifndef TALLYBUS_APPS_DESK_DESK_FILTER_H_
#define TALLYBUS_APPS_DESK_DESK_FILTER_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "tallybus/spool.h"
#include "transports/web/query_parameters.h"

namespace tallybus::desk {

// The parameters that FilterOf reads.
inline constexpr const char* kFilterNames[] = {"state",   "since", "until", "app",   "stream",
                                               "session", "route", "id",    "after", "limit"};

// state: a list of waiting, dead, delivered, or `otherwise` where it is not given. INVALID_ARGUMENT
// names the parameter.
absl::StatusOr<StoredFilter> FilterOf(const QueryParameters& parameters,
                                      const std::string& otherwise, absl::Time now);

// "2026-11-21T03:00:00Z", with any offset, or an age such as "90m": so long before `now`.
absl::StatusOr<absl::Time> ParseTime(const std::string& text, absl::Time now);

}  // namespace tallybus::desk

#endif  // TALLYBUS_APPS_DESK_DESK_FILTER_H_
