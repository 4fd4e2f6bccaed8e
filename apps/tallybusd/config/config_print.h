// The effective configuration as the file that would give it.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_PRINT_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_PRINT_H_

#include <string>
#include <vector>

#include "config.h"
#include "tallybus/transport_registry.h"

namespace tallybus::config {

// YAML with every key, defaults included. Load takes it back to the same values, but for
// default_app_used: the app is written out; and for options that are secrets, or that no transport
// of the registry has: they come as "***", or as the file that holds them.
std::string Print(const Config& config, const TransportRegistry& registry = {});

// The top-level keys whose values differ, in the order of the file.
std::vector<std::string> ChangedKeys(const Config& before, const Config& after);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_PRINT_H_
