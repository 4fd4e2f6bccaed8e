// Hands events to the bus without ever waiting.
#include "outbox.h"

#include <tallybus/c/engine.h>

#include <utility>

namespace tallybus::janus {

std::string Outbox::Put(std::vector<WcsEvent> events) {
  any_published_ = false;
  const uint64_t dropped_before = dropped_;
  PublishKept();
  for (WcsEvent& event : events) Offer(std::move(event));

  if (refused_ != std::exchange(reported_, refused_) && refused_ != TALLYBUS_OK) {
    return std::string("the bus refuses an event for good: ") + tallybus_status_text(refused_);
  }
  if (!kept_.empty() || (dropped_ > dropped_before && refused_ == TALLYBUS_OK)) {
    return Began(dropped_before);
  }
  return any_published_ ? Ended() : "";
}

std::string Outbox::Began(uint64_t dropped_before) {
  if (std::exchange(short_of_room_, true)) return "";
  dropped_before_ = dropped_before;
  return "the ring is full: is tallybusd running? Ends of streams are kept, what else comes is "
         "lost";
}

std::string Outbox::Ended() {
  if (!std::exchange(short_of_room_, false)) return "";
  return "the ring has room again; lost meanwhile: " + std::to_string(dropped_ - dropped_before_);
}

void Outbox::PublishKept() {
  while (!kept_.empty()) {
    const tallybus_status status = Publish(kept_.front());
    if (status == TALLYBUS_FULL) return;
    if (status != TALLYBUS_OK) sink_.Lose(kept_.front());
    kept_.pop_front();
  }
}

void Outbox::Offer(WcsEvent event) {
  // Behind what is kept, or an end would be overtaken by the next start of its stream.
  const tallybus_status status = kept_.empty() ? Publish(event) : TALLYBUS_FULL;
  if (status == TALLYBUS_OK) return;
  if (status == TALLYBUS_FULL && event.MustArrive() && kept_.size() < kMaxKept) {
    kept_.push_back(std::move(event));
  } else {
    ++dropped_;
    sink_.Lose(event);
  }
}

tallybus_status Outbox::Publish(const WcsEvent& event) {
  const tallybus_status status = sink_.Publish(event);
  if (status == TALLYBUS_OK) any_published_ = true;
  if (status != TALLYBUS_FULL) refused_ = status;
  return status;
}

}  // namespace tallybus::janus
