// One line for each transport.
#include "transports/builtin.h"

#include "transports/file/file_transport.h"
#include "transports/rest/rest_transport.h"

namespace tallybus {

absl::Status RegisterBuiltinTransports(TransportRegistry& registry) {
  absl::Status status;
  status.Update(registry.Register(file::FileDescriptor()));
  status.Update(registry.Register(rest::RestDescriptor()));
  return status;
}

}  // namespace tallybus
