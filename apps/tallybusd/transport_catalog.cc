// Which transports there are for a configuration.
#include "transport_catalog.h"

#include <absl/strings/str_cat.h>

#include "plugins/loader/loader.h"
#include "transports/builtin.h"

namespace tallybus {

absl::StatusOr<TransportCatalog> MakeCatalog(const config::Config& config) {
  TransportCatalog catalog;
  absl::Status status = RegisterBuiltinTransports(catalog.registry);
  if (!status.ok()) return status;
  for (const config::PluginFile& file : config.plugins) {
    const auto plugin = loader::LoadPlugin(file.path, catalog.registry);
    if (!plugin.ok()) {
      return absl::Status(plugin.status().code(),
                          absl::StrCat(file.where, ": ", plugin.status().message()));
    }
    catalog.plugin_files[(*plugin)->scheme] = file.path;
  }
  return catalog;
}

}  // namespace tallybus
