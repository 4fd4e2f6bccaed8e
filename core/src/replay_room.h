// How much an operator may have sent again, before it would take the room of what was never sent.
#ifndef TALLYBUS_REPLAY_ROOM_H_
#define TALLYBUS_REPLAY_ROOM_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace tallybus {

// Of one replay. [router] One thread.
class ReplayRoom {
 public:
  struct Limits {
    size_t waiting = 0;  // bytes that the route's rows hold
    size_t quota = 0;    // of the route; 0: none
    size_t used = 0;     // bytes that the spool holds
    size_t max = 0;      // of the spool
  };

  // Whether a row of so many bytes may come: where the route's quota has room, and where the spool
  // has, before engines have to wait. What follows one that may not, of its route, may not either.
  // A dead letter gives the spool as much as its new row takes.
  bool Takes(const std::string& route, size_t bytes, bool is_dead_letter, const Limits& limits);
  // What was taken of the route counts in its next limits' `waiting`; all of it in `used`.
  void Queued(const std::string& route);
  void Spooled();

 private:
  std::map<std::string, size_t> taken_;  // bytes by route, that are not queued yet
  size_t unspooled_ = 0;                 // bytes that the spool will hold beside the old rows
  std::set<std::string> full_;
};

}  // namespace tallybus

#endif  // TALLYBUS_REPLAY_ROOM_H_
