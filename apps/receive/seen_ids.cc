// First in, first out over a set.
#include "apps/receive/seen_ids.h"

#include <functional>

namespace tallybus::receive {

bool SeenIds::Note(std::string_view id) {
  const uint64_t hash = std::hash<std::string_view>()(id);
  if (!known_.insert(hash).second) return true;
  in_order_.push_back(hash);
  if (in_order_.size() > capacity_) {
    known_.erase(in_order_.front());
    in_order_.pop_front();
    ++forgotten_;
  }
  return false;
}

}  // namespace tallybus::receive
