// Sums of what was let in, against the limits of the moment.
#include "replay_room.h"

namespace tallybus {

bool ReplayRoom::Takes(const std::string& route, size_t bytes, const Limits& limits) {
  if (full_.contains(route)) return false;
  size_t& taken = taken_[route];
  if (limits.quota != 0 && limits.waiting + taken + bytes > limits.quota) {
    full_.insert(route);
    return false;
  }
  taken += bytes;
  return true;
}

void ReplayRoom::Queued(const std::string& route) { taken_.erase(route); }

}  // namespace tallybus
