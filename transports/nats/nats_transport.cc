// The descriptor.
#include "transports/nats/nats_transport.h"

#include <absl/status/statusor.h>

#include <memory>
#include <utility>

#include "transports/nats/nats_link.h"
#include "transports/nats/nats_settings.h"
#include "transports/parts/linked_transport.h"

namespace tallybus::nats {

TransportDescriptor NatsDescriptor() {
  TransportDescriptor descriptor;
  descriptor.scheme = "nats";
  descriptor.options = NatsOptions();
  descriptor.check = [](const Endpoint& endpoint) { return ReadSettings(endpoint).status(); };
  descriptor.create =
      [](const TransportContext& context) -> absl::StatusOr<std::unique_ptr<Transport>> {
    return std::make_unique<parts::LinkedTransport>(
        context, "nats",
        [](const parts::LinkContext& link) -> absl::StatusOr<std::unique_ptr<parts::Link>> {
          auto settings = ReadSettings(link.endpoint);
          if (!settings.ok()) return settings.status();
          return MakeNatsLink(*std::move(settings), link);
        });
  };
  return descriptor;
}

}  // namespace tallybus::nats
