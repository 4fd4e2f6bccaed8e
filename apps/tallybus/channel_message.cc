// Frames to fields, fields to a line.
#include "apps/tallybus/channel_message.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <simdjson.h>

#include <optional>
#include <string_view>

#include "apps/receive/event_line.h"
#include "apps/receive/json_text.h"
#include "tallybus/codec.h"
#include "tallybus/event.h"

namespace tallybus::cli {
namespace {

absl::Status Wrong(const char* what) { return absl::InvalidArgumentError(what); }

absl::Status ReadMeta(const std::string& json, ChannelMessage& message) {
  simdjson::dom::parser parser;
  simdjson::dom::object meta;
  std::string_view id;
  std::string_view time;
  if (parser.parse(json).get(meta) != simdjson::SUCCESS || meta["id"].get(id) ||
      meta["time"].get(time) || meta["sequence"].get(message.sequence)) {
    return Wrong("the meta frame has no id, sequence and time");
  }
  message.id = id;
  message.time = time;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ChannelMessage> ReadChannelMessage(const std::vector<std::string>& frames) {
  if (frames.size() != 4) return Wrong("not four frames");
  const std::string_view prefix = kTopicPrefix;
  if (frames[0].compare(0, prefix.size(), prefix) != 0) return Wrong("the topic is no session's");
  ChannelMessage message;
  message.session_id = frames[0].substr(prefix.size());
  message.message = frames[1];
  std::optional<receive::EventFields> fields = receive::ReadEventFields(frames[2]);
  if (!fields.has_value()) return Wrong("the third frame is no JSON object");
  message.json = std::move(fields->one_line);
  absl::Status meta = ReadMeta(frames[3], message);
  if (!meta.ok()) return meta;
  return message;
}

std::string ReadableLine(const ChannelMessage& message, bool began_again) {
  const receive::EventFields fields =
      receive::ReadEventFields(message.json).value_or(receive::EventFields());
  receive::EventLine line;
  line.time = message.time;
  line.method = message.message;
  line.status = fields.status;
  line.name = fields.name;
  line.session_id = message.session_id;
  if (message.message == kErrorEvent) line.info = fields.info;
  line.id = message.id;
  if (began_again) line.marks.push_back("sequence began again");
  return FormatEventLine(line);
}

std::string JsonLine(const ChannelMessage& message, uint64_t missed) {
  return absl::StrCat("{\"session\":", JsonString(message.session_id),
                      ",\"message\":", JsonString(message.message),
                      ",\"id\":", JsonString(message.id), ",\"sequence\":", message.sequence,
                      ",\"time\":", JsonString(message.time), ",\"missed\":", missed,
                      ",\"body\":", message.json, "}");
}

}  // namespace tallybus::cli
