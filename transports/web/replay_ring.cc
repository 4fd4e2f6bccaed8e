// A deque, and an index into it.
#include "transports/web/replay_ring.h"

#include <utility>

namespace tallybus {

void ReplayRing::Push(ClientMessagePtr message) {
  const size_t bytes = message->Bytes();
  while (!messages_.empty() && (messages_.size() >= most_events_ || bytes_ + bytes > most_bytes_)) {
    Pop();
  }
  if (most_events_ == 0 || bytes > most_bytes_) return Clear();  // then what follows has a hole
  bytes_ += bytes;
  by_id_.erase(message->id);
  by_id_.emplace(message->id, end());
  messages_.push_back(std::move(message));
}

void ReplayRing::Clear() {
  first_ = end() + 1;  // whoever reads on sees that it lost its place
  messages_.clear();
  by_id_.clear();
  bytes_ = 0;
}

std::optional<uint64_t> ReplayRing::After(std::string_view id) const {
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return found->second + 1;
}

void ReplayRing::Pop() {
  const ClientMessage& oldest = *messages_.front();
  auto found = by_id_.find(oldest.id);
  if (found != by_id_.end() && found->second == first_) by_id_.erase(found);
  bytes_ -= oldest.Bytes();
  messages_.pop_front();
  ++first_;
}

}  // namespace tallybus
