// Where an endpoint's address leads to.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_PEER_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_PEER_H_

#include <optional>
#include <string>
#include <vector>

namespace tallybus::check {

struct Peer {
  std::string host;  // a name, or an address with the brackets of IPv6
  std::string port;
  bool tls = false;  // from the first byte on

  std::string ToString() const { return host + ":" + port; }
};

// Those of `https://h/x`, `nats://h`, `kafka://h:1,h:2`; the port is the scheme's own where none is
// written. Empty where the address is none of the network's, or of no known scheme. A path, a query
// and credentials are left out. Pure.
std::vector<Peer> PeersOf(const std::string& url);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_PEER_H_
