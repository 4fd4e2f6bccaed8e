// What a client may watch, and what of it may reach him.
#ifndef TALLYBUS_TRANSPORTS_WEB_WATCH_PERMISSIONS_H_
#define TALLYBUS_TRANSPORTS_WEB_WATCH_PERMISSIONS_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transports/web/client_message.h"

namespace tallybus {

// Immutable once shared. What is allowed to be watched is not yet allowed to be told: a session or
// a stream of the same name may be another app's.
struct WatchPermissions {
  std::optional<std::vector<WatchKey>> only = std::nullopt;  // nullopt: everything within `app`
  std::string app = {};                                      // empty: of all apps
  absl::Time expires = absl::InfiniteFuture();
  std::shared_ptr<const void> held = nullptr;  // kept as long as this is

  bool Allow(const WatchKey& key) const {
    if (!app.empty() && key.kind == WatchKey::Kind::kApp && key.value != app) return false;
    return !only || std::find(only->begin(), only->end(), key) != only->end();
  }
  // The event may be told to whoever watches it.
  bool LetThrough(const ClientMessage& message) const {
    return app.empty() || message.app_key == app;
  }
};
using WatchPermissionsPtr = std::shared_ptr<const WatchPermissions>;

// [web] What the bearer of this token may watch; it is not empty. UNAUTHENTICATED: nothing, and the
// text is for him.
using Authorize = std::function<absl::StatusOr<WatchPermissionsPtr>(std::string_view token)>;

// [any thread] clients.auth: none.
inline const WatchPermissionsPtr& EveryPermission() {
  static const WatchPermissionsPtr& kEvery =  // threads may run when a process ends
      *new WatchPermissionsPtr(std::make_shared<const WatchPermissions>());
  return kEvery;
}

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_WATCH_PERMISSIONS_H_
