// The envelope as protobuf's class: for the codec of the bus, which finds it inside a record.
#ifndef TALLYBUS_CODEC_ENVELOPE_CODEC_H_
#define TALLYBUS_CODEC_ENVELOPE_CODEC_H_

#include <absl/status/statusor.h>

#include "tallybus/codec.h"
#include "tallybus/v1/event.pb.h"

namespace tallybus {

absl::StatusOr<Event> EventFromEnvelope(const v1::Envelope& envelope,
                                        const EventDefaults& defaults);

}  // namespace tallybus

#endif  // TALLYBUS_CODEC_ENVELOPE_CODEC_H_
