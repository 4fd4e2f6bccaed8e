// The keys below `tests` of the configuration file.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_TEST_KEYS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_TEST_KEYS_H_

#include <absl/status/status.h>

#include <vector>

#include "config_reader.h"
#include "test_case.h"

namespace tallybus::config {

// Reads their form, and no file that they name; whether there is such a route says who runs them.
absl::Status ReadTests(const Value& tests, std::vector<TestCase>& out);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_TEST_KEYS_H_
