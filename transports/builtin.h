// The transports that are linked into the daemon.
#ifndef TALLYBUS_TRANSPORTS_BUILTIN_H_
#define TALLYBUS_TRANSPORTS_BUILTIN_H_

#include <absl/status/status.h>

#include "tallybus/transport_registry.h"

namespace tallybus {

// [control] Fills the registry; called once, by main.
absl::Status RegisterBuiltinTransports(TransportRegistry& registry);

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_BUILTIN_H_
