// The descriptor.
#include "transports/mqtt/mqtt_transport.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <memory>
#include <string>
#include <utility>

#include "transports/mqtt/mqtt_link.h"
#include "transports/mqtt/mqtt_settings.h"
#include "transports/parts/attributes.h"
#include "transports/parts/linked_transport.h"

namespace tallybus::mqtt {
namespace {

absl::StatusOr<AttemptText> Tell(const Delivery& delivery, const Clock&) {
  const auto settings = ReadSettings(delivery.endpoint);
  if (!settings.ok()) return settings.status();
  const Parcel& parcel = delivery.parcels.front();
  const auto attributes = parts::AttributesOf(parcel);
  return AttemptText{.head = absl::StrCat("topic ", settings->topic.For(parcel), "\nQoS 1\n",
                                          parts::LinesOf(attributes)),
                     .body = std::string(parcel.body),
                     .note = ""};
}

}  // namespace

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
  descriptor.tell = Tell;
  return descriptor;
}

}  // namespace tallybus::mqtt
