// Least recently used order over a list and an index into it.
#include "apps/receive/sequence_watch.h"

#include <functional>

namespace tallybus::receive {

uint64_t SequenceWatch::Note(std::string_view key, uint64_t sequence) {
  const uint64_t hash = std::hash<std::string_view>()(key);
  if (const auto found = by_key_.find(hash); found != by_key_.end()) {
    const uint64_t due = found->second->last + 1;
    found->second->last = sequence;
    recent_.splice(recent_.begin(), recent_, found->second);
    return due;
  }
  if (recent_.size() >= capacity_) {
    by_key_.erase(recent_.back().key);
    recent_.pop_back();
    ++forgotten_;
  }
  recent_.push_front({hash, sequence});
  by_key_[hash] = recent_.begin();
  return 0;
}

}  // namespace tallybus::receive
