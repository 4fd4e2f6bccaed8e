// An endpoint's options in their forms. INVALID_ARGUMENT begins with the option's name, and holds
// no value. Pure, but for the file that is looked at.
#ifndef TALLYBUS_PARTS_OPTIONS_H_
#define TALLYBUS_PARTS_OPTIONS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "tallybus/transport.h"

namespace tallybus::parts {

// "<name>: <what>".
absl::Status WrongOption(const char* name, const char* what);

// Empty, or `fallback`, where it is not given.
std::string TextOption(const Endpoint& endpoint, const char* name, const char* fallback = "");
absl::StatusOr<bool> FlagOption(const Endpoint& endpoint, const char* name, bool fallback);
absl::StatusOr<int64_t> NumberOption(const Endpoint& endpoint, const char* name, int64_t fallback,
                                     int64_t least, int64_t most);
// OK where the option is not given, or names a PEM file with a certificate in it.
absl::Status CheckAuthorities(const Endpoint& endpoint, const char* name);

}  // namespace tallybus::parts

#endif  // TALLYBUS_PARTS_OPTIONS_H_
