// What a backend may ask: the read API of the web port, docs/api.md.
#ifndef TALLYBUS_APPS_DESK_READ_API_H_
#define TALLYBUS_APPS_DESK_READ_API_H_

#include <vector>

#include "tallybus/clock.h"
#include "tallybus/router.h"
#include "transports/web/web_server.h"

namespace tallybus::desk {

// GET /api/v1/streams, sessions, endpoints, trace, dead-letters and openapi.json. No event's body,
// no credential is in any answer. Each is answered on the router's thread; both outlive the routes'
// server.
std::vector<WebRoute> ReadRoutes(Router& router, const Clock& clock);

}  // namespace tallybus::desk

#endif  // TALLYBUS_APPS_DESK_READ_API_H_
