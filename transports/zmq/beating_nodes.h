// The nodes of the open bus that promised to be heard of: those that sent a heartbeat.
#ifndef TALLYBUS_ZMQ_BEATING_NODES_H_
#define TALLYBUS_ZMQ_BEATING_NODES_H_

#include <absl/container/flat_hash_map.h>

#include <string>
#include <string_view>
#include <vector>

#include "tallybus/clock.h"

namespace tallybus::zmq_transport {

// The method of a heartbeat. Its object may name a nodeId; nothing else of it is read.
inline constexpr std::string_view kHeartbeatMethod = "TallybusHeartbeat";

// One thread.
class BeatingNodes {
 public:
  static constexpr size_t kMost = 10'000;

  // A heartbeat. True where the node is new, or was lost. One too many is not watched.
  bool Beat(std::string_view node, MonoTime now);
  // An event: it proves as much as a heartbeat, of a node that sends those.
  void Heard(std::string_view node, MonoTime now);
  // Takes those that were not heard of for `grace`.
  std::vector<std::string> TakeLost(MonoTime now, absl::Duration grace);

 private:
  absl::flat_hash_map<std::string, MonoTime> heard_;
};

}  // namespace tallybus::zmq_transport

#endif  // TALLYBUS_ZMQ_BEATING_NODES_H_
