// Counts the messages of each session's topic, so that a receiver can tell a gap.
#ifndef TALLYBUS_ZMQ_TOPIC_SEQUENCES_H_
#define TALLYBUS_ZMQ_TOPIC_SEQUENCES_H_

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "tallybus/client_channel.h"
#include "tallybus/clock.h"

namespace tallybus::zmq_transport {

// One thread.
class TopicSequences {
 public:
  // From 1 for each session.
  uint64_t Next(std::string_view session_id, MonoTime now);
  // Forgets sessions that were silent for an hour; their next message is 1 again.
  void Prune(MonoTime now);

 private:
  struct Topic {
    uint64_t last = 0;
    MonoTime used;
  };
  absl::flat_hash_map<std::string, Topic> topics_;
  MonoTime pruned_;
};

// {"id":..,"sequence":..,"time":..}
std::string ClientMeta(const Notification& notification, uint64_t sequence);

}  // namespace tallybus::zmq_transport

#endif  // TALLYBUS_ZMQ_TOPIC_SEQUENCES_H_
