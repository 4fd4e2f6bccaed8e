// Whether what was sent is what arrived, also at a far end whose protocol is not known.
#ifndef TALLYBUS_APPS_CONFORMANCE_ARRIVED_H_
#define TALLYBUS_APPS_CONFORMANCE_ARRIVED_H_

#include <string>
#include <string_view>
#include <vector>

#include "apps/conformance/subject.h"

namespace tallybus::conformance {

// `text` in `bytes`: as it is, as JSON writes it, or percent-encoded. A number within a longer one
// is not found.
bool Holds(std::string_view bytes, std::string_view text);

bool HoldsBody(const Arrival& arrival, const std::string& body);

// The names of what `sent` has and the arrival has not: "lane", "attempt". Of bytes whose protocol
// is not known, flags are not asked for.
std::vector<std::string> LacksOf(const Arrival& arrival, const Arrival& sent);

}  // namespace tallybus::conformance

#endif  // TALLYBUS_APPS_CONFORMANCE_ARRIVED_H_
