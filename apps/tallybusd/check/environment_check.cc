// The spool tells which router runs, the listeners are judged by that.
#include "apps/tallybusd/check/environment_check.h"

#include <optional>
#include <vector>

#include "apps/tallybusd/check/endpoint_check.h"
#include "apps/tallybusd/check/listener_check.h"
#include "apps/tallybusd/check/plugin_check.h"
#include "apps/tallybusd/check/spool_check.h"
#include "apps/tallybusd/routes.h"

namespace tallybus::check {

Findings CheckEnvironment(const config::Config& config, const PaperRoutes& routes,
                          const TransportCatalog& catalog, const std::string& own_backend) {
  Findings findings;
  const std::optional<Holder> router = CheckSpool(config.spool, &findings);
  std::vector<Listener> listeners = ListenersOf(config.listen);
  if (!own_backend.empty()) {
    listeners.push_back({"--dev's echo backend", own_backend});
  }
  CheckListeners(listeners, config.spool, router, &findings);
  CheckPlugins(SchemesOf(config), catalog, &findings);
  CheckEndpoints(routes, catalog, own_backend, &findings);
  return findings;
}

}  // namespace tallybus::check
