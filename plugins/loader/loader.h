// Plugins in the table of transports.
#ifndef TALLYBUS_PLUGINS_LOADER_LOADER_H_
#define TALLYBUS_PLUGINS_LOADER_LOADER_H_

#include <absl/status/status.h>

#include <string>

#include "plugins/loader/plugin.h"
#include "tallybus/transport_registry.h"

namespace tallybus::loader {

// The plugin's scheme, options, check and create, as those of a transport that is built in.
TransportDescriptor DescriptorOf(const PluginPtr& plugin);

// [control] Opens the plugin and registers it; the error is one line that begins with its path.
absl::StatusOr<PluginPtr> LoadPlugin(const std::string& path, TransportRegistry& registry,
                                     absl::Duration call_limit = kCallLimit);

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_LOADER_H_
