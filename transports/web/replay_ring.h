// The last events that any client could have watched, for clients that come back.
#ifndef TALLYBUS_TRANSPORTS_WEB_REPLAY_RING_H_
#define TALLYBUS_TRANSPORTS_WEB_REPLAY_RING_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "transports/web/client_message.h"

namespace tallybus {

// One thread. Positions count up over the ring's whole life.
class ReplayRing {
 public:
  ReplayRing(size_t most_events, size_t most_bytes)
      : most_events_(most_events), most_bytes_(most_bytes) {}

  // Forgets the oldest where there is no room.
  void Push(ClientMessagePtr message);
  // What comes next does not follow what was there.
  void Clear();
  // Where that goes on which followed the event of this id; nullopt: it is not there any more, or
  // never was.
  std::optional<uint64_t> After(std::string_view id) const;
  uint64_t first() const { return first_; }
  uint64_t end() const { return first_ + messages_.size(); }
  const ClientMessagePtr& At(uint64_t position) const { return messages_[position - first_]; }

 private:
  void Pop();

  const size_t most_events_;
  const size_t most_bytes_;
  std::deque<ClientMessagePtr> messages_;
  absl::flat_hash_map<std::string_view, uint64_t> by_id_;  // the ids are the messages' own
  uint64_t first_ = 0;
  size_t bytes_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_REPLAY_RING_H_
