// One counter a session.
#include "transports/zmq/topic_sequences.h"

#include <absl/strings/str_cat.h>

namespace tallybus::zmq_transport {

uint64_t TopicSequences::Next(std::string_view session_id, MonoTime now) {
  Topic& topic = topics_[absl::string_view(session_id.data(), session_id.size())];
  topic.used = now;
  return ++topic.last;
}

void TopicSequences::Prune(MonoTime now) {
  if (now - pruned_ < absl::Minutes(1)) return;
  pruned_ = now;
  absl::erase_if(topics_,
                 [now](const auto& entry) { return now - entry.second.used > absl::Hours(1); });
}

std::string ClientMeta(const Notification& notification, uint64_t sequence) {
  return absl::StrCat("{\"id\":\"", notification.id.ToString(), "\",\"sequence\":", sequence,
                      ",\"time\":\"", Rfc3339Millis(notification.time), "\"}");
}

}  // namespace tallybus::zmq_transport
