// The object is copied as it came; only its last brace is moved.
#include "transports/parts/event_object.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "tallybus/codec.h"

namespace tallybus::parts {
namespace {

void AppendNumber(std::string_view name, uint64_t value, std::string* out) {
  const absl::AlphaNum digits(value);
  out->append(name).append(digits.data(), digits.size());
}

void AppendMember(const Parcel& parcel, std::string* out) {
  const Event& event = parcel.event;
  out->append(R"("tallybus":{"method":")").append(event.method);
  out->append(R"(","id":")").append(event.id.ToString());
  out->append(R"(","time":")").append(Rfc3339Millis(event.time));
  out->append(R"(","lane":)").append(JsonString(parcel.lane));
  AppendNumber(R"(,"sequence":)", parcel.lane_sequence, out);
  if (parcel.attempt > 1) {
    AppendNumber(R"(,"attempt":)", static_cast<uint64_t>(parcel.attempt), out);
  }
  if (parcel.redelivery) out->append(R"(,"redelivery":true)");
  if (parcel.reordered) out->append(R"(,"reordered":true)");
  if (parcel.coalesced > 0) AppendNumber(R"(,"coalesced":)", parcel.coalesced, out);
  if (event.from_router) out->append(R"(,"origin":"router")");
  out->push_back('}');
}

// What stands before the object's last brace.
std::string_view Opened(std::string_view object) {
  const size_t brace = object.rfind('}');
  return object.substr(0, object.find_last_not_of(" \t\r\n", brace - 1) + 1);
}

}  // namespace

void AppendEventObject(const Parcel& parcel, std::string* out) {
  const std::string_view opened = Opened(parcel.body);
  out->append(opened);
  if (!opened.ends_with('{')) out->push_back(',');
  AppendMember(parcel, out);
  out->push_back('}');
}

void AppendEventLine(const Parcel& parcel, std::string* out) {
  const auto begin = static_cast<std::ptrdiff_t>(out->size());
  AppendEventObject(parcel, out);
  // JSON has line breaks between its tokens alone.
  std::replace_if(
      out->begin() + begin, out->end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  out->push_back('\n');
}

}  // namespace tallybus::parts
