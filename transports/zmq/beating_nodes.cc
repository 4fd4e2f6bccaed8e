// A node is known from its first heartbeat until it is lost.
#include "transports/zmq/beating_nodes.h"

namespace tallybus::zmq_transport {

bool BeatingNodes::Beat(std::string_view node, MonoTime now) {
  auto found = heard_.find(absl::string_view(node.data(), node.size()));
  if (found != heard_.end()) {
    found->second = now;
    return false;
  }
  if (heard_.size() >= kMost) return false;
  heard_.emplace(node, now);
  return true;
}

void BeatingNodes::Heard(std::string_view node, MonoTime now) {
  if (heard_.empty()) return;
  auto found = heard_.find(absl::string_view(node.data(), node.size()));
  if (found != heard_.end()) found->second = now;
}

std::vector<std::string> BeatingNodes::TakeLost(MonoTime now, absl::Duration grace) {
  std::vector<std::string> lost;
  absl::erase_if(heard_, [&](const auto& entry) {
    if (now - entry.second < grace) return false;
    lost.push_back(entry.first);
    return true;
  });
  return lost;
}

}  // namespace tallybus::zmq_transport
