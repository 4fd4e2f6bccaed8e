// Keys that are good by themselves and do not go together.
#include "config_warnings.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

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

bool LeavesTheMachineInTheClear(const std::string& url) {
  return absl::StartsWith(url, "http:") && !absl::StartsWith(url, "http://127.") &&
         !absl::StartsWith(url, "http://localhost") && !absl::StartsWith(url, "http://[::1]");
}

bool IsInTheClear(const Route& route) {
  const auto leaves = [](const Alternative& other) {
    return LeavesTheMachineInTheClear(other.url);
  };
  return LeavesTheMachineInTheClear(route.url.value_or("")) ||
         std::any_of(route.alternatives.begin(), route.alternatives.end(), leaves);
}

// A signature, and the hash of Web Call Server, show no secret.
void WarnOfOpenCredentials(const std::string& path, const Credentials& shown,
                           std::vector<std::string>* warnings) {
  for (const char* key : {"password", "bearer_token"}) {
    if (!shown.where.contains(key)) continue;
    warnings->push_back(absl::StrCat(path, ".", key,
                                     ": goes over http, so that everybody on the way can read it; "
                                     "use https, or signing"));
  }
}

}  // namespace

std::vector<std::string> WarningsOf(const Config& config) {
  std::vector<std::string> warnings;
  for (const auto& [key, app] : config.apps) {
    WarnOfBatchedOverwrite(app, &warnings);
    if (app.url && LeavesTheMachineInTheClear(*app.url)) {
      WarnOfOpenCredentials("apps." + key, app.credentials, &warnings);
    }
  }
  for (size_t i = 0; i < config.routes.size(); ++i) {
    if (IsInTheClear(config.routes[i])) {
      WarnOfOpenCredentials(absl::StrCat("routes[", i, "]"), config.routes[i].credentials,
                            &warnings);
    }
  }
  return warnings;
}

}  // namespace tallybus::config
