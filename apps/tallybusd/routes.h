// From the configured apps to the router's routes.
#ifndef TALLYBUS_APPS_TALLYBUSD_ROUTES_H_
#define TALLYBUS_APPS_TALLYBUSD_ROUTES_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "config/config.h"
#include "tallybus/route.h"
#include "tallybus/transport_registry.h"

namespace tallybus {

// By scheme; borrowed.
using Transports = std::map<std::string, Transport*, std::less<>>;

// One id for the same endpoint with the same settings: a reload that leaves it alone leaves its
// connections alone.
class EndpointIds {
 public:
  uint64_t Of(std::string_view scheme, const Endpoint& endpoint);

 private:
  std::map<std::string, uint64_t> by_settings_;
};

// Of the transports that the configuration's apps and routes need.
std::set<std::string> SchemesOf(const config::Config& config);

// An app's route `<app>/backend`, checked by its transport. `transports` may be empty where routes
// are only checked. Errors begin with file, line and column of what is wrong.
absl::StatusOr<RouteTable> MakeRoutes(const config::Config& config,
                                      const TransportRegistry& registry,
                                      const Transports& transports, EndpointIds* ids);

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_ROUTES_H_
