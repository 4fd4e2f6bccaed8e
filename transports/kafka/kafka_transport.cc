// The descriptor.
#include "transports/kafka/kafka_transport.h"

#include <absl/status/statusor.h>

#include <memory>
#include <utility>

#include "transports/kafka/kafka_link.h"
#include "transports/kafka/kafka_settings.h"
#include "transports/parts/linked_transport.h"

namespace tallybus::kafka {

TransportDescriptor KafkaDescriptor() {
  TransportDescriptor descriptor;
  descriptor.scheme = "kafka";
  descriptor.options = KafkaOptions();
  descriptor.check = [](const Endpoint& endpoint) {
    const auto settings = ReadSettings(endpoint);
    return settings.ok() ? CheckProperties(*settings) : settings.status();
  };
  descriptor.create =
      [](const TransportContext& context) -> absl::StatusOr<std::unique_ptr<Transport>> {
    return std::make_unique<parts::LinkedTransport>(
        context, "kafka",
        [](const parts::LinkContext& link) -> absl::StatusOr<std::unique_ptr<parts::Link>> {
          auto settings = ReadSettings(link.endpoint);
          if (!settings.ok()) return settings.status();
          return MakeKafkaLink(*std::move(settings), link);
        });
  };
  return descriptor;
}

}  // namespace tallybus::kafka
