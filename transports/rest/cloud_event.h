// An event as CNCF CloudEvents 1.0 has it, in the JSON format. Pure.
#ifndef TALLYBUS_REST_CLOUD_EVENT_H_
#define TALLYBUS_REST_CLOUD_EVENT_H_

#include <string>

#include "tallybus/transport.h"

namespace tallybus::rest {

// Appends the parcel as one object: its attributes, and the event's own object as `data`.
void AppendCloudEvent(const Parcel& parcel, std::string* out);

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_CLOUD_EVENT_H_
