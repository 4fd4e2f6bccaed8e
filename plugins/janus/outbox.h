// Hands events to the bus without ever waiting. What the full ring of the bus refuses is dropped
// and counted, but for what must arrive: that is kept here, in order, until there is room.
#ifndef TALLYBUS_PLUGINS_JANUS_OUTBOX_H_
#define TALLYBUS_PLUGINS_JANUS_OUTBOX_H_

#include <tallybus/c/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "wcs_event.h"

namespace tallybus::janus {

// Where events go. Publish does not block.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual tallybus_status Publish(const WcsEvent& event) = 0;
  // The event is lost: it will not be offered again.
  virtual void Lose(const WcsEvent& /*event*/) {}
};

// Not thread-safe.
class Outbox {
 public:
  static constexpr size_t kMaxKept = 4096;

  explicit Outbox(Sink& sink) : sink_(sink) {}

  // Publishes what is kept and then these. Returns a line to log where something changed: events
  // begin to be lost or kept, all flows again, or one was refused for good; else nothing.
  std::string Put(std::vector<WcsEvent> events);

  size_t kept() const { return kept_.size(); }
  uint64_t dropped() const { return dropped_; }

 private:
  void PublishKept();
  void Offer(WcsEvent event);
  tallybus_status Publish(const WcsEvent& event);
  std::string Began(uint64_t dropped_before);
  std::string Ended();

  Sink& sink_;
  std::deque<WcsEvent> kept_;
  uint64_t dropped_ = 0;
  uint64_t dropped_before_ = 0;  // when the present shortage began
  bool short_of_room_ = false;
  bool any_published_ = false;              // in this Put
  tallybus_status refused_ = TALLYBUS_OK;   // other than FULL, since the last success
  tallybus_status reported_ = TALLYBUS_OK;  // the refusal that the log knows of
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_OUTBOX_H_
