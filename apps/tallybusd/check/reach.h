// Whether peers can be reached: name, connection, TLS, and no byte of what is spoken then.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_REACH_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_REACH_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <optional>
#include <span>
#include <vector>

#include "apps/tallybusd/check/peer.h"
#include "transports/rest/endpoint_settings.h"

namespace tallybus::check {

struct Attempt {
  Peer peer;
  rest::TlsFiles tls;                       // of a peer with TLS
  std::optional<rest::AddressRules> rules;  // nullopt: any address
};

inline constexpr absl::Duration kPatience = absl::Seconds(3);  // for one
inline constexpr size_t kAtATime = 64;

// [control] Blocks for at most kPatience for each kAtATime of them, and half a second more where
// TLS came: a peer that wants another client certificate says so behind the handshake. A status for
// each, in their order: OK, or what failed with its mend, without the peer's name.
std::vector<absl::Status> Reach(std::span<const Attempt> attempts,
                                absl::Duration patience = kPatience);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_REACH_H_
