// What a request carries: one event's own bytes, or what a format makes of one or of several. Pure.
#ifndef TALLYBUS_REST_BODY_H_
#define TALLYBUS_REST_BODY_H_

#include <span>
#include <string>
#include <string_view>

#include "tallybus/transport.h"

namespace tallybus::rest {

enum class Format {
  kWcs,               // the object alone, to <url>/<method>
  kJsonArray,         // application/json
  kNdjson,            // application/x-ndjson: an object a line
  kCloudEvents,       // structured: one event, to the URL as it is
  kCloudEventsBatch,  // an array of them
};

constexpr bool IsBatch(Format format) {
  return format != Format::kWcs && format != Format::kCloudEvents;
}

std::string_view ContentType(Format format);

// Replaces *out by the events; not for kWcs. As kJsonArray and kNdjson each object gets a last
// member "tallybus" that says what the header fields say of an event that goes alone: method, id,
// time, lane, sequence, and where there is something to say attempt, redelivery, reordered,
// coalesced, origin.
void WriteBody(Format format, std::span<const Parcel> parcels, std::string* out);

// "batch-" and 16 hex digits that the ids of its events make: a batch of the same events, sent
// again, has the same id.
std::string BatchId(std::span<const Parcel> parcels);

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_BODY_H_
