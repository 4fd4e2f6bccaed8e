// The addresses that the daemon may listen on: files and loopback, and for the web port others.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_LISTEN_ADDRESS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_LISTEN_ADDRESS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "config.h"

namespace tallybus::config {

// The longest path of a Unix socket, sun_path less its final zero.
inline constexpr size_t kMaxIpcPath = 107;

// A ZeroMQ endpoint as ZeroMQ can bind it: ipc:///path, or tcp:// on a loopback address with its
// port, 0 for `*`. `localhost` becomes 127.0.0.1: ZeroMQ binds no names. UNIMPLEMENTED: beyond
// loopback; INVALID_ARGUMENT: all else, the length of a path that is too long included.
absl::StatusOr<std::string> ParseBusEndpoint(std::string_view text);

// An address in digits, or localhost, and a port. INVALID_ARGUMENT: all else. Who may come from
// beyond loopback is CheckClients' matter.
absl::StatusOr<SocketAddress> ParseWebAddress(std::string_view text);

// unix: and an absolute path, as it came. INVALID_ARGUMENT: all else.
absl::StatusOr<std::string> ParseAdminAddress(std::string_view text);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_LISTEN_ADDRESS_H_
