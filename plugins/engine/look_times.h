// When the sender looks at the ring again while it is empty, and when it is to park.
//
// While events come within a millisecond a publisher wakes nobody: the sender looks by itself,
// often after an event and then less so, since a look costs a core 20 to 40 µs. Where events are
// rare it looks once more, after the millisecond.
#ifndef TALLYBUS_PLUGINS_ENGINE_LOOK_TIMES_H_
#define TALLYBUS_PLUGINS_ENGINE_LOOK_TIMES_H_

#include <cstdint>

namespace tallybus::engine {

class LookTimes {
 public:
  // When the last record was sent; again and again the same, while there is no other.
  void NoteSending(int64_t sent_us);
  // The sender goes to sleep until a publisher wakes it.
  void NoteParking() { parked_ = true; }
  // How long to wait for the next look; 0: a millisecond has passed, and it is to park.
  int64_t WaitUs(int64_t now_us) const;

 private:
  int64_t sent_us_ = 0;
  bool parked_ = true;  // since the last sending
  bool rare_ = true;    // before the last sending it had parked
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_LOOK_TIMES_H_
