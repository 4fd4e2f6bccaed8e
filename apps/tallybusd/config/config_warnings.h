// What a configuration says that is taken, and does not do what its author may think.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_WARNINGS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_WARNINGS_H_

#include <string>
#include <vector>

#include "config.h"

namespace tallybus::config {

// One line each, led by the key that it is about; no values but names of methods. Without side
// effects.
std::vector<std::string> WarningsOf(const Config& config);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_WARNINGS_H_
