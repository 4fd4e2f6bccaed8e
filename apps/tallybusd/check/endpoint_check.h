// Whether the endpoints of a configuration's routes can be reached from here.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_ENDPOINT_CHECK_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_ENDPOINT_CHECK_H_

#include <string>

#include "apps/explanation/paper_routes.h"
#include "apps/tallybusd/check/finding.h"
#include "apps/tallybusd/transport_catalog.h"

namespace tallybus::check {

// [control] Sends no event and no request: a connection, and TLS where that comes first; the folder
// of a file. Blocks as Reach. What only a plugin knows to reach is a note. `own` is a peer that the
// daemon brings along, "127.0.0.1:8081"; empty: none. A route that only rehearses has warnings in
// the place of errors, and so has one of whose several endpoints another answers.
void CheckEndpoints(const PaperRoutes& routes, const TransportCatalog& catalog,
                    const std::string& own, Findings* findings);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_ENDPOINT_CHECK_H_
