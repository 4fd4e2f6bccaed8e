// Keys that are good by themselves and do not go together.
#include "config_warnings.h"

#include <absl/strings/str_cat.h>

namespace tallybus::config {
namespace {

// An answer to a batch is an answer to none of its events.
void WarnOfBatchedOverwrite(const App& app, std::vector<std::string>* warnings) {
  if (!app.Batches()) return;
  for (const std::string& method : app.rest_client_config_methods) {
    if (app.rest_client_config->For(method).rest_policy != RestPolicy::kOverwrite) continue;
    warnings->push_back(absl::StrCat(
        "apps.", app.key, ".rest_client_config.", method,
        ".restPolicy: OVERWRITE does nothing where the app sends batches; clients get the event "
        "as it is, at once"));
  }
}

}  // namespace

std::vector<std::string> WarningsOf(const Config& config) {
  std::vector<std::string> warnings;
  for (const auto& [key, app] : config.apps) WarnOfBatchedOverwrite(app, &warnings);
  return warnings;
}

}  // namespace tallybus::config
