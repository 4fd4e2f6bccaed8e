// A plugin and its endpoint, as the command line names them.
#ifndef TALLYBUS_APPS_TALLYBUS_PLUGIN_SETTING_H_
#define TALLYBUS_APPS_TALLYBUS_PLUGIN_SETTING_H_

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "plugins/loader/plugin.h"
#include "tallybus/transport_registry.h"

namespace tallybus::cli {

struct PluginSetting {
  loader::PluginPtr plugin;
  TransportDescriptor transport;
  Endpoint endpoint;  // of route "tallybus", with --option and --timeout
};

// The one argument, an absolute path of it. INVALID_ARGUMENT: there is none, or more.
absl::StatusOr<std::string> PluginFile(const std::vector<std::string>& arguments);

// [control] Loads it beside the transports that are built in, as the daemon does: an error where
// that would not take it.
absl::StatusOr<loader::PluginPtr> LoadAsDaemon(const std::string& path,
                                               TransportRegistry& registry);

// [control] Loads the plugin, and reads --option as a route's `options` are read. `url` is what its
// own check is asked about.
absl::StatusOr<PluginSetting> ReadPluginSetting(const std::string& path, const std::string& url);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_PLUGIN_SETTING_H_
