// What a configuration needs around it: a spool's folder, addresses to listen on, plugins
// that can be created, endpoints.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_ENVIRONMENT_CHECK_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_ENVIRONMENT_CHECK_H_

#include <string>

#include "apps/explanation/paper_routes.h"
#include "apps/tallybusd/check/finding.h"
#include "apps/tallybusd/config/config.h"
#include "apps/tallybusd/transport_catalog.h"

namespace tallybus::check {

// [control] All that is found, and what was tested. `own_backend` is an address that the daemon
// would listen on itself, "127.0.0.1:8081"; empty: none. Blocks as CheckEndpoints.
Findings CheckEnvironment(const config::Config& config, const PaperRoutes& routes,
                          const TransportCatalog& catalog, const std::string& own_backend);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_ENVIRONMENT_CHECK_H_
