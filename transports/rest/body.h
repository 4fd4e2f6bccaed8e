// What a request carries: one event's own bytes, or several events as an array or as lines. Pure.
#ifndef TALLYBUS_REST_BODY_H_
#define TALLYBUS_REST_BODY_H_

#include <span>
#include <string>

#include "tallybus/transport.h"

namespace tallybus::rest {

enum class Format {
  kWcs,        // the object alone, to <url>/<method>
  kJsonArray,  // application/json
  kNdjson,     // application/x-ndjson: an object a line
};

// Replaces *out by the events. Each object gets a last member "tallybus" that says what the header
// fields say of an event that goes alone: method, id, time, lane, sequence, and where there is
// something to say attempt, redelivery, reordered, coalesced, origin. Not for kWcs.
void WriteBatch(Format format, std::span<const Parcel> parcels, std::string* out);

// "batch-" and 16 hex digits that the ids of its events make: a batch of the same events, sent
// again, has the same id.
std::string BatchId(std::span<const Parcel> parcels);

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_BODY_H_
