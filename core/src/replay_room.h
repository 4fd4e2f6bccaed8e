// How much an operator may have sent again, before it would take the room of what was never sent.
#ifndef TALLYBUS_REPLAY_ROOM_H_
#define TALLYBUS_REPLAY_ROOM_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace tallybus {

// Of one replay. A new row takes the place of its old one, so the spool itself always has room.
// [router] One thread.
class ReplayRoom {
 public:
  struct Limits {
    size_t waiting = 0;  // bytes that the route's rows hold
    size_t quota = 0;    // of the route; 0: none
  };

  // Whether a row of so many bytes may come. What follows one that may not, of its route, may not
  // either.
  bool Takes(const std::string& route, size_t bytes, const Limits& limits);
  // What was taken of the route counts in its next limits' `waiting`.
  void Queued(const std::string& route);

 private:
  std::map<std::string, size_t> taken_;  // bytes by route, that are not queued yet
  std::set<std::string> full_;
};

}  // namespace tallybus

#endif  // TALLYBUS_REPLAY_ROOM_H_
