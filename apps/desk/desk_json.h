// What the desk says, as JSON objects.
#ifndef TALLYBUS_APPS_DESK_DESK_JSON_H_
#define TALLYBUS_APPS_DESK_DESK_JSON_H_

#include <string>
#include <string_view>
#include <vector>

#include "tallybus/desk.h"

namespace tallybus::desk {

// [any thread] All functions are pure.
std::string EndpointsJson(const std::vector<EndpointStatus>& endpoints);
std::string AlertsJson(const std::vector<AlertStatus>& alerts);
std::string TestJson(const EndpointTestResult& test);

// A page of the spool: {"rows":[...],"next":N}. With `bodies` each row has its event's object; what
// looks like a credential in it is left out unless `reveal`.
struct PageOptions {
  bool bodies = false;
  bool reveal = false;
};
std::string PageJson(const StoredPage& page, PageOptions options);

// Pages of the read API. `after` and `limit` as the question had them.
std::string StreamsJson(const LivePage& page);
std::string SessionsJson(const LivePage& page);
std::string DeadLettersJson(const StoredPage& page);  // without bodies
// Of all endpoints, those behind the route `after`; addresses without name, password and query.
std::string EndpointsPageJson(const std::vector<EndpointStatus>& endpoints,
                              const std::string& after, size_t limit);

// `json` (valid) with the values of members whose names speak of passwords, tokens, secrets or
// keys, at any depth, and of sdp, replaced by "***".
std::string Redacted(std::string_view json);

// What may be shown of a URL: all but name, password, query and fragment.
std::string WithoutSecrets(std::string url);

}  // namespace tallybus::desk

#endif  // TALLYBUS_APPS_DESK_DESK_JSON_H_
