// The schemes that built-in transports take.
#include "apps/tallybusd/check/peer.h"

#include <absl/strings/str_split.h>

#include <algorithm>
#include <string_view>

namespace tallybus::check {
namespace {

struct Scheme {
  std::string_view word;
  const char* port;
  bool tls;
};

// NATS speaks in the clear before it turns to TLS, under tls:// too.
constexpr Scheme kSchemes[] = {{"http", "80", false},    {"https", "443", true},
                               {"nats", "4222", false},  {"tls", "4222", false},
                               {"kafka", "9092", false}, {"kafkas", "9092", true},
                               {"mqtt", "1883", false},  {"mqtts", "8883", true}};

Peer PeerAt(const std::string& place, const Scheme& scheme) {
  const size_t colon = place.rfind(':');
  const bool has_port = colon != place.npos && place.find(']', colon) == place.npos;
  if (!has_port) return {place, scheme.port, scheme.tls};
  return {place.substr(0, colon), place.substr(colon + 1), scheme.tls};
}

}  // namespace

std::vector<Peer> PeersOf(const std::string& url) {
  std::vector<Peer> peers;
  const size_t end = url.find("://");
  if (end == url.npos) return peers;
  const std::string_view word = std::string_view(url).substr(0, end);
  std::string places = url.substr(end + 3);
  places.resize(std::min(places.size(), places.find_first_of("/?#")));
  places.erase(0, places.rfind('@') + 1);
  for (const Scheme& scheme : kSchemes) {
    if (scheme.word != word) continue;
    for (const std::string& place : std::vector<std::string>(absl::StrSplit(places, ','))) {
      peers.push_back(PeerAt(place, scheme));
    }
  }
  return peers;
}

}  // namespace tallybus::check
