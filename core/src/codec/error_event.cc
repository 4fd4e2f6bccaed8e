// The ErrorEvent's JSON, and the words that a client is told.
#include "tallybus/error_event.h"

#include <simdjson.h>

#include <algorithm>
#include <vector>

#include "codec/json_members.h"
#include "codec/json_writer.h"

namespace tallybus {
namespace {

constexpr size_t kMaxInfoBytes = 256;

std::string CutAtCharacter(std::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  // A byte 10xxxxxx continues a character: step back to where that character begins.
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return std::string(text.substr(0, limit));
}

// A phrase is the peer's bytes: what is not UTF-8 keeps its ASCII alone.
std::string AsUtf8(std::string_view phrase) {
  std::string text(phrase);
  if (simdjson::validate_utf8(text)) return text;
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; }, '?');
  return text;
}

}  // namespace

std::string FailureInfo(std::string_view phrase, std::string_view answer) {
  std::vector<JsonMember> members;
  if (!answer.empty() && SplitJsonObject(answer, &members).ok() && members.size() == 2) {
    const bool in_order = members[0].key == "status" && members[1].key == "reason";
    const bool reversed = members[0].key == "reason" && members[1].key == "status";
    const JsonMember& reason = members[in_order ? 1 : 0];
    if ((in_order || reversed) && reason.type == JsonMember::Type::kString) {
      return CutAtCharacter(reason.string, kMaxInfoBytes);
    }
  }
  return CutAtCharacter(AsUtf8(phrase), kMaxInfoBytes);
}

Event MakeErrorEvent(const Event& cause, const Failure& failure, absl::Time now) {
  Event event;
  event.time = now;
  event.method = kErrorEvent;
  event.node_id = cause.node_id;
  event.app_key = cause.app_key;
  event.session_id = cause.session_id;
  event.media_session_id = cause.media_session_id;
  event.name = cause.name;
  event.status = "FAILED";
  event.from_router = true;
  JsonObjectWriter writer(&event.json);
  writer.String("nodeId", cause.node_id);
  writer.String("appKey", cause.app_key);
  writer.String("sessionId", cause.session_id);
  writer.String("mediaSessionId", cause.media_session_id);
  writer.String("name", cause.name);
  writer.String("method", cause.method);
  writer.String("eventId", cause.id.ToString());
  writer.String("route", failure.route);
  writer.String("status", event.status);
  if (failure.http_status != 0) writer.Int("httpStatus", failure.http_status);
  writer.String("info", failure.info);
  writer.Int("attempt", failure.attempt);
  writer.Bool("final", failure.final);
  writer.String("time", Rfc3339Millis(now));
  writer.Close();
  return event;
}

}  // namespace tallybus
