// The tests that a configuration brings: an event in, its routes and its fields out.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_CONFIG_TESTS_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_CONFIG_TESTS_H_

#include <absl/time/time.h>

#include <string>
#include <vector>

#include "apps/explanation/paper_routes.h"
#include "apps/tallybusd/config/config.h"

namespace tallybus::check {

// [control] Decides about each event as the router does, and sends nothing. A line for each thing
// that is otherwise than expected: the place of the expectation, the test's name, what was expected
// and what there is, and why. Reads the files that tests name; their paths are relative to the
// folder of `file`, the configuration's own.
std::vector<std::string> RunTests(const config::Config& config, const PaperRoutes& routes,
                                  const std::string& file, absl::Time now);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_CONFIG_TESTS_H_
