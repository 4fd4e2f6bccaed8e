// GET /healthz: whether the process can do its work, for probes and people.
#ifndef TALLYBUS_TRANSPORTS_WEB_HEALTH_PAGE_H_
#define TALLYBUS_TRANSPORTS_WEB_HEALTH_PAGE_H_

#include <functional>
#include <string>

#include "transports/web/web_server.h"

namespace tallybus {

struct Health {
  bool ok = true;
  std::string json;  // the whole answer
};

// 200 where ok, else 503. `ask` is called on the web thread for each request: it must not block.
WebHandler HealthPage(std::function<Health()> ask);

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_HEALTH_PAGE_H_
