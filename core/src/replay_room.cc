// Sums of what was let in, against the limits of the moment.
#include "replay_room.h"

namespace tallybus {

bool ReplayRoom::Takes(const std::string& route, size_t bytes, bool is_dead_letter,
                       const Limits& limits) {
  if (full_.contains(route)) return false;
  size_t& taken = taken_[route];
  const bool quota = limits.quota == 0 || limits.waiting + taken + bytes <= limits.quota;
  const bool spool =
      is_dead_letter || limits.used + unspooled_ + bytes <= limits.max - limits.max / 8;
  if (!quota || !spool) {
    full_.insert(route);
    return false;
  }
  taken += bytes;
  if (!is_dead_letter) unspooled_ += bytes;
  return true;
}

void ReplayRoom::Queued(const std::string& route) { taken_.erase(route); }
void ReplayRoom::Spooled() { unspooled_ = 0; }

}  // namespace tallybus
