// Objects are copied as they came; only their last brace is moved.
#include "transports/rest/body.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string_view>

#include "tallybus/codec.h"

namespace tallybus::rest {
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

void AppendObject(const Parcel& parcel, std::string* out) {
  const std::string_view opened = Opened(parcel.body);
  out->append(opened);
  if (!opened.ends_with('{')) out->push_back(',');
  AppendMember(parcel, out);
  out->push_back('}');
}

}  // namespace

void WriteBatch(Format format, std::span<const Parcel> parcels, std::string* out) {
  const bool array = format == Format::kJsonArray;
  out->clear();
  if (array) out->push_back('[');
  for (const Parcel& parcel : parcels) {
    if (array && out->size() > 1) out->push_back(',');
    const size_t begin = out->size();
    AppendObject(parcel, out);
    if (array) continue;
    // JSON has line breaks between its tokens alone.
    const auto first = out->begin() + static_cast<std::ptrdiff_t>(begin);
    std::replace_if(
        first, out->end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out->push_back('\n');
  }
  if (array) out->push_back(']');
}

std::string BatchId(std::span<const Parcel> parcels) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const Parcel& parcel : parcels) {
    for (const uint64_t part : {parcel.event.id.epoch, parcel.event.id.sequence}) {
      hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 32;
    }
  }
  return absl::StrCat("batch-", absl::Hex(hash, absl::kZeroPad16));
}

}  // namespace tallybus::rest
