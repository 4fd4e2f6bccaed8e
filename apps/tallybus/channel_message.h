// One message of a router's client channel, as `tallybus tail` understands and shows it.
#ifndef TALLYBUS_APPS_TALLYBUS_CHANNEL_MESSAGE_H_
#define TALLYBUS_APPS_TALLYBUS_CHANNEL_MESSAGE_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tallybus::cli {

inline constexpr char kTopicPrefix[] = "session/";

struct ChannelMessage {
  std::string session_id;
  std::string message;  // the event's method
  std::string json;
  std::string id;
  uint64_t sequence = 0;  // counts per topic, from 1
  std::string time;
};

// The four frames: topic, message, object, and the meta object with id, sequence and time.
// INVALID_ARGUMENT says which frame is wrong, without its bytes.
absl::StatusOr<ChannelMessage> ReadChannelMessage(const std::vector<std::string>& frames);

// For people; `began_again`: the sequence went back, as after a router's restart.
std::string ReadableLine(const ChannelMessage& message, bool began_again);

// For scripts: one JSON object in one line; `missed` messages of the topic are absent before it.
std::string JsonLine(const ChannelMessage& message, uint64_t missed);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_CHANNEL_MESSAGE_H_
