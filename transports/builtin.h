// The transports that are linked into the daemon.
#ifndef TALLYBUS_TRANSPORTS_BUILTIN_H_
#define TALLYBUS_TRANSPORTS_BUILTIN_H_

#include <absl/status/status.h>

#include <string_view>
#include <vector>

#include "tallybus/transport_registry.h"

namespace tallybus {

// [control] Fills the registry; called once, by main.
absl::Status RegisterBuiltinTransports(TransportRegistry& registry);

// [any thread] Theirs, in the order of the alphabet.
std::vector<std::string_view> BuiltinSchemes();

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_BUILTIN_H_
