// Which transports there are for a configuration: those that are built in, and those of its
// plugins.
#ifndef TALLYBUS_APPS_TALLYBUSD_TRANSPORT_CATALOG_H_
#define TALLYBUS_APPS_TALLYBUSD_TRANSPORT_CATALOG_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <string>

#include "config/config.h"
#include "tallybus/transport_registry.h"

namespace tallybus {

struct TransportCatalog {
  TransportRegistry registry;
  std::map<std::string, std::string> plugin_files;  // by scheme; none: built in

  std::string FileOf(const std::string& scheme) const {
    const auto found = plugin_files.find(scheme);
    return found == plugin_files.end() ? "" : found->second;
  }
};

// [control] Loads the plugins; what is loaded stays in the process. An error begins with the place
// of the plugin's path.
absl::StatusOr<TransportCatalog> MakeCatalog(const config::Config& config);

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_TRANSPORT_CATALOG_H_
