// The bodies of each format.
#include "transports/rest/body.h"

#include <absl/strings/str_cat.h>

#include <string_view>

#include "transports/parts/event_object.h"
#include "transports/rest/cloud_event.h"

namespace tallybus::rest {
namespace {

void WriteArray(std::span<const Parcel> parcels, void (*append)(const Parcel&, std::string*),
                std::string* out) {
  for (const Parcel& parcel : parcels) {
    out->push_back(out->empty() ? '[' : ',');
    append(parcel, out);
  }
  out->push_back(']');
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
      for (const Parcel& parcel : parcels) parts::AppendEventLine(parcel, out);
      return;
    case Format::kCloudEvents:
      return AppendCloudEvent(parcels.front(), out);
    case Format::kCloudEventsBatch:
      return WriteArray(parcels, AppendCloudEvent, out);
    case Format::kWcs:
    case Format::kJsonArray:
      return WriteArray(parcels, parts::AppendEventObject, out);
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
