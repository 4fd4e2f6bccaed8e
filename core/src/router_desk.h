// The operator's desk over a router.
#ifndef TALLYBUS_ROUTER_DESK_H_
#define TALLYBUS_ROUTER_DESK_H_

#include <memory>

#include "router_line.h"
#include "tallybus/desk.h"

namespace tallybus {

std::unique_ptr<Desk> NewRouterDesk(Router::Line& line);  // which outlives it

}  // namespace tallybus

#endif  // TALLYBUS_ROUTER_DESK_H_
