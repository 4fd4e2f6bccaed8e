// The envelope as protobuf's class: for the codec of the bus, which finds it inside a record.
#ifndef TALLYBUS_CODEC_ENVELOPE_CODEC_H_
#define TALLYBUS_CODEC_ENVELOPE_CODEC_H_

#include <absl/status/statusor.h>

#include <string_view>

#include "tallybus/codec.h"
#include "tallybus/v1/event.pb.h"

namespace tallybus {

absl::StatusOr<Event> EventFromEnvelope(const v1::Envelope& envelope,
                                        const EventDefaults& defaults);

// The event of an envelope as our own writers make it, in place: an event is a dozen strings, which
// are worth not moving. False: parse it, which says what is wrong; *event is of no use then.
bool FillEventFromPlain(std::string_view bytes, const EventDefaults& defaults, Event* event);

}  // namespace tallybus

#endif  // TALLYBUS_CODEC_ENVELOPE_CODEC_H_
