// A heap by time: what has ended meanwhile is found out when it is due.
#include "keep_alives.h"

namespace tallybus {

void KeepAlives::Clear() {
  due_ = {};
  followed_.clear();
}

void KeepAlives::Follow(LiveTable::StreamName stream, MonoTime due) {
  if (!followed_.emplace(stream.source, stream.key).second) return;
  due_.push({due, std::move(stream)});
}

std::optional<LiveTable::StreamName> KeepAlives::TakeDue(MonoTime now) {
  if (due_.empty() || due_.top().at > now) return std::nullopt;
  LiveTable::StreamName stream = due_.top().stream;
  due_.pop();
  followed_.erase({stream.source, stream.key});
  return stream;
}

std::optional<MonoTime> KeepAlives::NextDue() const {
  if (due_.empty()) return std::nullopt;
  return due_.top().at;
}

}  // namespace tallybus
