// Whether a daemon could listen where the configuration says.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_LISTENER_CHECK_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_LISTENER_CHECK_H_

#include <optional>
#include <string>
#include <vector>

#include "apps/tallybusd/check/finding.h"
#include "apps/tallybusd/check/lock_holder.h"
#include "apps/tallybusd/config/config.h"

namespace tallybus::check {

// One listener: its key, and "tcp://127.0.0.1:5581" or without tcp://, "ipc:///path",
// "unix:/path".
struct Listener {
  std::string key;
  std::string address;
};

std::vector<Listener> ListenersOf(const config::Listen& listen);

// [control] A port is bound for a moment and not listened on; the path of a socket is not touched.
// What the router that runs has is a note, what somebody else has an error. `router` is nullopt
// where the spool tells of none: with a spool in memory it is who holds the lock of a socket's
// path.
void CheckListeners(const std::vector<Listener>& listeners, const config::Spool& spool,
                    std::optional<Holder> router, Findings* findings);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_LISTENER_CHECK_H_
