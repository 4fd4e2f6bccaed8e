// The file's own warnings first, then what is around it.
#include "check_command.h"

#include <absl/strings/str_join.h>

#include <cstdint>
#include <cstdio>
#include <vector>

#include "apps/explanation/paper_routes.h"
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
  std::vector<std::string> tested;
  if (options.environment) {
    check::Findings found = check::CheckEnvironment(config, *routes, catalog, options.own_backend);
    const uint64_t errors = Print(found);
    if (errors > 0) {
      PrintError(options.file + ": good by itself; " + Counted(errors, "error") +
                 " around it. --no-environment checks the file alone");
      return kBadEnvironment;
    }
    tested.insert(tested.end(), found.tested.begin(), found.tested.end());
  }
  std::printf("%s: good%s%s\n", options.file.c_str(),
              tested.empty() ? "" : "; tested: ", absl::StrJoin(tested, ", ").c_str());
  return 0;
}

}  // namespace tallybus
