// The same words as in the daemon's alert.
#include "apps/tallybusd/check/credential_check.h"

#include <absl/strings/str_cat.h>

#include <string>

#include "apps/tallybusd/credential_watch.h"

namespace tallybus::check {

void CheckCredentials(const PaperRoutes& routes, const TransportRegistry& registry, absl::Time now,
                      Findings* findings) {
  const auto check = [&](const Route& route) {
    const TransportDescriptor* transport = registry.Find(routes.SchemeOf(route));
    if (transport == nullptr || !transport->credentials_end) return;
    const std::string warning = WarningOfEnd(transport->credentials_end(route.endpoint), now);
    if (warning.empty()) return;
    findings->Add(Weight::kWarning, absl::StrCat("route ", route.name, ": ", warning));
  };
  for (const auto& [key, route] : routes.table().by_app) check(*route);
  for (const RoutePtr& route : routes.table().others) check(*route);
}

}  // namespace tallybus::check
