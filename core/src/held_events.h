// The events of sessions whose `connect` the backend has not answered yet: what governs them comes
// with the answer.
#ifndef TALLYBUS_HELD_EVENTS_H_
#define TALLYBUS_HELD_EVENTS_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/event.h"
#include "tallybus/spool.h"

namespace tallybus {

// [router] What is held and what is let go is appended to `changes`: a router that ends meanwhile
// has acknowledged it, and the next one lets it go.
class HeldEvents {
 public:
  using Changes = std::vector<LiveRecord>;
  static constexpr size_t kMostOfASession = 64;
  static constexpr size_t kMostBytesOfASession = size_t{1} << 20;
  static constexpr size_t kMostBytes = size_t{16} << 20;

  // A connect of this session is asked; of several, the last answer lets its events go.
  void Begin(const std::string& session_id);
  bool Holds(std::string_view session_id) const;
  // Its client is gone before the answer is there.
  void NoteClosed(const std::string& session_id);
  bool WasClosed(const std::string& session_id) const;
  // Takes an event, which has its id, of a session that Holds. False: there is no room, and what
  // is held of the session goes first.
  bool Hold(const std::string& source, const Event& event, Changes* changes);
  // Lets go, in order. A session that is let go early holds no more for this connect.
  std::vector<Event> LetGo(const std::string& session_id, Changes* changes);
  // A connect was answered: what goes with it.
  std::vector<Event> End(const std::string& session_id, Changes* changes);

  static bool IsOne(const LiveRecord& record);
  // What an earlier process held.
  void Take(LiveRecord record) { left_.push_back(std::move(record)); }
  bool HasLeft() const { return !left_.empty(); }
  std::vector<Event> TakeLeft(Changes* changes);

 private:
  struct Held {
    Event event;
    LiveRecord record;  // without its text
  };
  struct Session {
    int asked = 0;
    bool holds = true;
    bool closed = false;
    size_t bytes = 0;
    std::vector<Held> events;
  };

  absl::flat_hash_map<std::string, Session> open_;
  std::vector<LiveRecord> left_;
  size_t bytes_ = 0;
  uint64_t last_ = 0;  // of those that were held, in order
};

}  // namespace tallybus

#endif  // TALLYBUS_HELD_EVENTS_H_
