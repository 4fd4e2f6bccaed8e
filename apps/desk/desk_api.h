// The operator's desk over HTTP: the daemon serves it on its admin socket, the command line to
// itself over a spool that no daemon has.
#ifndef TALLYBUS_APPS_DESK_DESK_API_H_
#define TALLYBUS_APPS_DESK_DESK_API_H_

#include <vector>

#include "tallybus/clock.h"
#include "tallybus/router.h"
#include "transports/web/web_server.h"

namespace tallybus::desk {

// GET  /api/v1/endpoints, /api/v1/alerts, /api/v1/trace?of=, /api/v1/spool?<filter>&bodies=&reveal=
// POST /api/v1/endpoints/<verb>?route=&reason=&author=   verb: pause resume disable enable test
// POST /api/v1/spool/retry, /api/v1/spool/drop, /api/v1/replay ?<filter>&dry_run=
// Each is answered on the router's thread. Both outlive the routes' server.
std::vector<WebRoute> DeskRoutes(Router& router, const Clock& clock);

}  // namespace tallybus::desk

#endif  // TALLYBUS_APPS_DESK_DESK_API_H_
