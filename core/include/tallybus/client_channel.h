// The seam to the clients: best effort, in order for each stream.
#ifndef TALLYBUS_CLIENT_CHANNEL_H_
#define TALLYBUS_CLIENT_CHANNEL_H_

#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "tallybus/event.h"

namespace tallybus {

// One message to clients; the views live during the call.
struct Notification {
  std::string_view session_id;  // may be empty: it goes to those who watch the stream or app alone
  std::string_view app_key = {};  // may be empty
  std::string_view name = {};     // the stream's, may be empty
  std::string_view message;       // the event's method
  std::string_view json;          // after the session's clientExclude
  EventId id;
  absl::Time time;
};

class ClientChannel {
 public:
  virtual ~ClientChannel() = default;
  // [router] Never blocks. What cannot be sent at once is dropped and counted.
  virtual void Notify(const Notification& notification) = 0;
  // [router] Grows where a client misses messages since it reads too slowly, by one or more for
  // each gap.
  virtual uint64_t gaps() const { return 0; }
};

}  // namespace tallybus

#endif  // TALLYBUS_CLIENT_CHANNEL_H_
