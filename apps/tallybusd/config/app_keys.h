// The keys below `apps` of the configuration file.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_APP_KEYS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_APP_KEYS_H_

#include <absl/status/status.h>

#include <map>
#include <string>

#include "config.h"
#include "config_reader.h"

namespace tallybus::config {

// Reads every app of the mapping `apps` into `out`, by key.
absl::Status ReadApps(const Value& apps, std::map<std::string, App>& out);

// Reads {<Method>: {restOnError: FAIL, ..}, ..} into `out`.
absl::Status ReadRestClientConfig(const Value& value, RestClientConfig& out);

// The app of a configuration that has none, as Web Call Server has it.
App DefaultApp();

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_APP_KEYS_H_
