// What a message to a broker says beside its body: the names and values of rest's header fields.
// Pure.
#ifndef TALLYBUS_PARTS_ATTRIBUTES_H_
#define TALLYBUS_PARTS_ATTRIBUTES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/transport.h"

namespace tallybus::parts {

struct Attribute {
  std::string name;
  std::string value;  // printable ASCII
};

// webhook-id, tallybus-method, tallybus-time, tallybus-lane, tallybus-attempt; and where there is
// something to say tallybus-sequence, -redelivery, -reordered, -coalesced, -origin.
std::vector<Attribute> AttributesOf(const Parcel& parcel);

// A line "name: value" for each.
std::string LinesOf(const std::vector<Attribute>& attributes);

// A lane as a value: percent-encoded but for unreserved characters and '/'. Of a longer one than
// 256 bytes the end is '~' and 16 hex digits of the whole lane's FNV-1a hash.
std::string EncodeLane(std::string_view lane);

// Any text as one token of a subject or level of a topic: letters, digits, '-' and '_' as they are,
// the rest percent-encoded; a long one is cut like a lane, and an empty one is "~". Different texts
// make different tokens.
std::string TokenOf(std::string_view text);

}  // namespace tallybus::parts

#endif  // TALLYBUS_PARTS_ATTRIBUTES_H_
