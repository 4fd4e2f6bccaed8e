// Plugins in the table of transports.
#include "plugins/loader/loader.h"

#include <absl/strings/str_cat.h>

#include "plugins/loader/plugin_transport.h"

namespace tallybus::loader {

TransportDescriptor DescriptorOf(const PluginPtr& plugin) {
  TransportDescriptor descriptor;
  descriptor.scheme = plugin->scheme;
  descriptor.options = plugin->options;
  descriptor.check = [plugin](const Endpoint& endpoint) {
    return CheckEndpoint(*plugin, endpoint);
  };
  descriptor.create = [plugin](const TransportContext& context) {
    return PluginTransport::Create(plugin, context);
  };
  return descriptor;
}

absl::StatusOr<PluginPtr> LoadPlugin(const std::string& path, TransportRegistry& registry,
                                     absl::Duration call_limit) {
  absl::StatusOr<PluginPtr> plugin = OpenPlugin(path, call_limit);
  if (!plugin.ok()) return plugin;
  const absl::Status status = registry.Register(DescriptorOf(*plugin));
  if (status.ok()) return plugin;
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

}  // namespace tallybus::loader
