// The keys below `routes` of the configuration file.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_ROUTE_KEYS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_ROUTE_KEYS_H_

#include <absl/status/status.h>

#include <vector>

#include "config.h"
#include "config_reader.h"

namespace tallybus::config {

// Reads the paths of the list `plugins`: what brings transports for routes.
absl::Status ReadPlugins(const Value& plugins, std::vector<PluginFile>& out);

// Reads every route of the list `routes` into `out`, in order.
absl::Status ReadRoutes(const Value& routes, std::vector<Route>& out);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_ROUTE_KEYS_H_
