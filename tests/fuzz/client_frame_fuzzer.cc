// Whatever a web client says, in either dialect: it is understood or refused, and what it is
// answered is JSON.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "transports/web/tallybus_v1.h"
#include "transports/web/wcs_dialect.h"

namespace tallybus {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

// A client's SDK reads both without looking.
bool IsFrame(const std::string& text) {
  simdjson::dom::parser parser;
  simdjson::dom::object frame;
  simdjson::dom::array data;
  std::string_view message;
  return parser.parse(text).get(frame) == simdjson::SUCCESS &&
         frame["message"].get(message) == simdjson::SUCCESS &&
         frame["data"].get(data) == simdjson::SUCCESS;
}

bool TextIsShort(const absl::Status& status) { return status.message().size() <= 100; }

void HearV1(std::string_view text) {
  const auto frame = tallybus_v1::ReadFrame(text);
  if (!frame.ok()) return Check(TextIsShort(frame.status()));
  if (const auto* watch = std::get_if<tallybus_v1::Watch>(&*frame)) Check(!watch->keys.empty());
}

void HearWcs(std::string_view text) {
  const auto frame = wcs::ReadFrame(text);
  if (!frame.ok()) return Check(TextIsShort(frame.status()));
  if (const auto* connection = std::get_if<wcs::Connection>(&*frame)) {
    Check(wcs::IsConnection(text) && !connection->app_key.empty());
    Check(IsFrame(wcs::UserData(*connection, connection->auth_token, "web/1")));
  } else if (const auto* unserved = std::get_if<wcs::Unserved>(&*frame)) {
    Check(!unserved->answers.empty());
    for (const std::string& answer : unserved->answers) Check(IsFrame(answer));
  }
}

// The same as an event's object: an engine's words reach a client through the dialect too.
void Tell(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::object event;
  if (parser.parse(text.data(), text.size()).get(event) != simdjson::SUCCESS) return;
  for (const char* name : {"StreamStatusEvent", "CallStatusEvent", "ErrorEvent"}) {
    Notification notification;
    notification.message = name;
    notification.json = text;
    const ClientMessagePtr message = tallybus_v1::MakeMessage(notification);
    const auto frame = wcs::FrameOf(message->name, message->tail);
    Check(frame && IsFrame(frame->head + std::string(frame->tail)));
  }
}

}  // namespace
}  // namespace tallybus

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (size <= tallybus::tallybus_v1::kMostTokenFrameBytes) tallybus::HearV1(text);
  if (size <= tallybus::wcs::kMostFrameBytes) tallybus::HearWcs(text);
  tallybus::Tell(text);
  (void)tallybus::tallybus_v1::ReadQuery(text);
  return 0;
}
