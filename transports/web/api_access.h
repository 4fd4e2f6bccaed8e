// Who may ask the read API: programs of this machine, or who shows the secret.
#ifndef TALLYBUS_TRANSPORTS_WEB_API_ACCESS_H_
#define TALLYBUS_TRANSPORTS_WEB_API_ACCESS_H_

#include <string>
#include <vector>

#include "tallybus/metrics.h"
#include "transports/web/web_server.h"

namespace tallybus {

struct ApiAccess {
  // Who asks shows it as "Authorization: Bearer <token>"; it is compared in constant time. Empty:
  // nobody is asked for one, and the server must be on loopback.
  std::string token;
  // Without a token: hosts that it may be asked for beside those of loopback. A page that reaches
  // loopback under its own name, by DNS rebinding, asks for that name; and what a proxy forwards is
  // not from here.
  std::vector<std::string> own_hosts;
};

// The routes for those who may ask. Others are answered 401 or 403 with a sentence, and counted in
// tallybus_api_refused_total by reason: token, host, forwarded. `metrics` outlives the routes.
std::vector<WebRoute> ForThoseWhoMayAsk(ApiAccess access, std::vector<WebRoute> routes,
                                        Metrics& metrics);

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_API_ACCESS_H_
