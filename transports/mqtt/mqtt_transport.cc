// The descriptor.
#include "transports/mqtt/mqtt_transport.h"

#include <absl/status/statusor.h>

#include <memory>
#include <utility>

#include "transports/mqtt/mqtt_link.h"
#include "transports/mqtt/mqtt_settings.h"
#include "transports/parts/linked_transport.h"

namespace tallybus::mqtt {

TransportDescriptor MqttDescriptor() {
  TransportDescriptor descriptor;
  descriptor.scheme = "mqtt";
  descriptor.options = MqttOptions();
  descriptor.check = [](const Endpoint& endpoint) { return ReadSettings(endpoint).status(); };
  descriptor.create =
      [](const TransportContext& context) -> absl::StatusOr<std::unique_ptr<Transport>> {
    return std::make_unique<parts::LinkedTransport>(
        context, "mqtt",
        [](const parts::LinkContext& link) -> absl::StatusOr<std::unique_ptr<parts::Link>> {
          auto settings = ReadSettings(link.endpoint);
          if (!settings.ok()) return settings.status();
          return MakeMqttLink(*std::move(settings), link);
        });
  };
  return descriptor;
}

}  // namespace tallybus::mqtt
