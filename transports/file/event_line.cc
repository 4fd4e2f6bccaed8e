// The object is copied as it came; only its last brace is moved.
#include "transports/file/event_line.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string_view>

#include "tallybus/codec.h"

namespace tallybus::file {
namespace {

void AppendMember(const Parcel& parcel, std::string* out) {
  const Event& event = parcel.event;
  absl::StrAppend(out, R"("tallybus":{"method":")", event.method, R"(","id":")",
                  event.id.ToString(), R"(","time":")", Rfc3339Millis(event.time), R"(","lane":)",
                  JsonString(parcel.lane), R"(,"sequence":)", parcel.lane_sequence);
  if (parcel.attempt > 1) absl::StrAppend(out, R"(,"attempt":)", parcel.attempt);
  if (parcel.redelivery) out->append(R"(,"redelivery":true)");
  if (parcel.reordered) out->append(R"(,"reordered":true)");
  if (parcel.coalesced > 0) absl::StrAppend(out, R"(,"coalesced":)", parcel.coalesced);
  if (event.from_router) out->append(R"(,"origin":"router")");
  out->push_back('}');
}

// What stands before the object's last brace.
std::string_view Opened(std::string_view object) {
  const size_t brace = object.rfind('}');
  return object.substr(0, object.find_last_not_of(" \t\r\n", brace - 1) + 1);
}

}  // namespace

void AppendLine(const Parcel& parcel, std::string* out) {
  const auto begin = static_cast<std::ptrdiff_t>(out->size());
  const std::string_view opened = Opened(parcel.body);
  out->append(opened);
  if (!opened.ends_with('{')) out->push_back(',');
  AppendMember(parcel, out);
  // JSON has line breaks between its tokens alone.
  std::replace_if(
      out->begin() + begin, out->end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  out->append("}\n");
}

}  // namespace tallybus::file
