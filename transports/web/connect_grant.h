// clients.auth: connect. The app's backend says whether a client may watch what he asks for.
#ifndef TALLYBUS_TRANSPORTS_WEB_CONNECT_GRANT_H_
#define TALLYBUS_TRANSPORTS_WEB_CONNECT_GRANT_H_

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transports/web/gateway_sessions.h"
#include "transports/web/watch_permissions.h"

namespace tallybus {

struct ConnectQuestion {
  std::string app_key;          // whose backend is asked; what it grants is bound to this app
  std::string token;            // empty: the client showed none
  std::string origin;           // empty: no page asks
  std::vector<WatchKey> keys;   // that are to be granted
  WatchPermissionsPtr granted;  // before, and is granted on; null: nothing
};
// OK: what was asked for and what was granted before; the session is open as long as it is kept,
// and not the one of the question before. UNAUTHENTICATED: the backend's no and its reason.
// UNAVAILABLE: why it could not be asked, or did not answer; it may the next time.
using ConnectAnswer = std::function<void(absl::StatusOr<WatchPermissionsPtr>)>;

// Of these items the first app; where none is named, the one that clients have.
std::string AppOf(const std::vector<WatchKey>& keys);

// [web] `answer` comes on `thread`, after this returned, and not any more once what is returned has
// gone; see GatewaySessions::Open, also for what lives how long.
std::shared_ptr<void> AskConnect(GatewaySessions& sessions, std::shared_ptr<ServerThread> thread,
                                 ConnectQuestion question, ConnectAnswer answer);

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CONNECT_GRANT_H_
