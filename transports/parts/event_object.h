// An event as the JSON object that a backend gets, and as a line of NDJSON. Pure.
#ifndef TALLYBUS_PARTS_EVENT_OBJECT_H_
#define TALLYBUS_PARTS_EVENT_OBJECT_H_

#include <string>

#include "tallybus/transport.h"

namespace tallybus::parts {

// Appends the event's object with a last member "tallybus": what a batch or a file has no header
// fields for.
void AppendEventObject(const Parcel& parcel, std::string* out);

// The same as one line: line breaks between its tokens become spaces, and a line feed ends it.
void AppendEventLine(const Parcel& parcel, std::string* out);

}  // namespace tallybus::parts

#endif  // TALLYBUS_PARTS_EVENT_OBJECT_H_
