// An event as one line of NDJSON. Pure.
#ifndef TALLYBUS_FILE_EVENT_LINE_H_
#define TALLYBUS_FILE_EVENT_LINE_H_

#include <string>

#include "tallybus/transport.h"

namespace tallybus::file {

// Appends the event's object and a line feed. The object gets a last member "tallybus" as in the
// format `ndjson` of rest; line breaks between its tokens become spaces.
void AppendLine(const Parcel& parcel, std::string* out);

}  // namespace tallybus::file

#endif  // TALLYBUS_FILE_EVENT_LINE_H_
