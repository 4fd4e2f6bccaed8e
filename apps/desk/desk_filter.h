// From a question's parameters to the rows that are meant.
#ifndef TALLYBUS_APPS_DESK_DESK_FILTER_H_
#define TALLYBUS_APPS_DESK_DESK_FILTER_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <string>

#include "tallybus/desk.h"
#include "tallybus/spool.h"
#include "transports/web/query_parameters.h"

namespace tallybus::desk {

// The parameters that FilterOf reads.
inline constexpr const char* kFilterNames[] = {
    "state", "since", "until", "app", "stream", "session", "route", "id", "rows", "after", "limit"};

// state: a list of waiting, dead, delivered, or `otherwise` where it is not given. INVALID_ARGUMENT
// names the parameter,
// also where nothing is between `since` and `until`.
absl::StatusOr<StoredFilter> FilterOf(const QueryParameters& parameters,
                                      const std::string& otherwise, absl::Time now);

// A parameter that is "1", "true" or empty is true, "0", "false" or none false. INVALID_ARGUMENT
// for any other value names it.
absl::StatusOr<bool> SwitchOf(const QueryParameters& parameters, const char* name);

// [owner] of the desk, which outlives it. NOT_FOUND to `done` names a route of the filter that is
// neither an endpoint's nor any row's, or an id of which there is no row: a misspelt filter is not
// one that finds nothing.
void CheckNamed(Desk& desk, const StoredFilter& filter, std::function<void(absl::Status)> done);

// "2026-11-21T03:00:00Z", with any offset, or an age such as "90m": so long before `now`.
absl::StatusOr<absl::Time> ParseTime(const std::string& text, absl::Time now);

}  // namespace tallybus::desk

#endif  // TALLYBUS_APPS_DESK_DESK_FILTER_H_
