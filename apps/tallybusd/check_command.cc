// The file's own warnings first, then its tests, then what is around it.
#include "check_command.h"

#include <absl/strings/str_join.h>
#include <absl/time/clock.h>

#include <cstdint>
#include <cstdio>
#include <vector>

#include "apps/explanation/paper_routes.h"
#include "apps/tallybusd/check/config_tests.h"
#include "apps/tallybusd/check/credential_check.h"
#include "apps/tallybusd/check/environment_check.h"
#include "config/config_warnings.h"
#include "tallybus/counted.h"

namespace tallybus {
namespace {

void PrintError(const std::string& text) { std::fprintf(stderr, "tallybusd: %s\n", text.c_str()); }

// How many of them are errors.
uint64_t Print(const check::Findings& findings) {
  uint64_t errors = 0;
  for (const check::Finding& finding : findings.all) {
    if (finding.weight == check::Weight::kError) {
      PrintError(finding.text);
      ++errors;
      continue;
    }
    std::printf("%s: %s\n", finding.weight == check::Weight::kNote ? "note" : "warning",
                finding.text.c_str());
  }
  return errors;
}

// Whether the configuration does what its own tests say.
bool TestsPass(const config::Config& config, const PaperRoutes& routes, const std::string& file) {
  const std::vector<std::string> failures = check::RunTests(config, routes, file, absl::Now());
  for (const std::string& failure : failures) PrintError(failure);
  if (failures.empty()) return true;
  PrintError(file + ": mend the routes or the tests; tallybus explain --config " + file +
             " --event EVENT shows all that becomes of an event");
  return false;
}

// The same for what is around it; adds to what was tested.
bool EnvironmentIsGood(const config::Config& config, const PaperRoutes& routes,
                       const TransportCatalog& catalog, const CheckOptions& options,
                       std::vector<std::string>* tested) {
  const check::Findings found =
      check::CheckEnvironment(config, routes, catalog, options.own_backend);
  tested->insert(tested->end(), found.tested.begin(), found.tested.end());
  const uint64_t errors = Print(found);
  if (errors == 0) return true;
  PrintError(options.file + ": " + Counted(errors, "error") +
             " around the file; --no-environment checks the file alone");
  return false;
}

}  // namespace

int RunCheck(const config::Config& config, const TransportCatalog& catalog,
             const CheckOptions& options) {
  for (const std::string& warning : config::WarningsOf(config)) {
    std::printf("warning: %s\n", warning.c_str());
  }
  const absl::StatusOr<PaperRoutes> routes = PaperRoutes::Make(config, catalog.registry);
  if (!routes.ok()) {
    PrintError(std::string(routes.status().message()));
    return kBadFile;
  }
  check::Findings credentials;
  check::CheckCredentials(*routes, catalog.registry, absl::Now(), &credentials);
  Print(credentials);
  std::vector<std::string> tested;
  if (!config.tests.empty()) tested.push_back(Counted(config.tests.size(), "test"));
  const bool passed = TestsPass(config, *routes, options.file);
  const bool around =
      !options.environment || EnvironmentIsGood(config, *routes, catalog, options, &tested);
  if (!passed) return kBadFile;
  if (!around) return kBadEnvironment;
  std::printf("%s: good%s%s\n", options.file.c_str(),
              tested.empty() ? "" : "; tested: ", absl::StrJoin(tested, ", ").c_str());
  return 0;
}

}  // namespace tallybus
