// Objects are copied as they came; only their last brace is moved.
#include "transports/rest/body.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string_view>

#include "tallybus/codec.h"
#include "transports/rest/cloud_event.h"

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

void WriteArray(std::span<const Parcel> parcels, void (*append)(const Parcel&, std::string*),
                std::string* out) {
  for (const Parcel& parcel : parcels) {
    out->push_back(out->empty() ? '[' : ',');
    append(parcel, out);
  }
  out->push_back(']');
}

void WriteLines(std::span<const Parcel> parcels, std::string* out) {
  for (const Parcel& parcel : parcels) {
    const auto begin = static_cast<std::ptrdiff_t>(out->size());
    AppendObject(parcel, out);
    // JSON has line breaks between its tokens alone.
    std::replace_if(
        out->begin() + begin, out->end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out->push_back('\n');
  }
}

}  // namespace

std::string_view ContentType(Format format) {
  switch (format) {
    case Format::kNdjson:
      return "application/x-ndjson";
    case Format::kCloudEvents:
      // In lower case: the official library for JavaScript compares the whole of it.
      return "application/cloudevents+json; charset=utf-8";
    case Format::kCloudEventsBatch:
      return "application/cloudevents-batch+json";
    case Format::kWcs:
    case Format::kJsonArray:
      break;
  }
  return "application/json;charset=UTF-8";
}

void WriteBody(Format format, std::span<const Parcel> parcels, std::string* out) {
  out->clear();
  switch (format) {
    case Format::kNdjson:
      return WriteLines(parcels, out);
    case Format::kCloudEvents:
      return AppendCloudEvent(parcels.front(), out);
    case Format::kCloudEventsBatch:
      return WriteArray(parcels, AppendCloudEvent, out);
    case Format::kWcs:
    case Format::kJsonArray:
      return WriteArray(parcels, AppendObject, out);
  }
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
