// The descriptor.
#include "transports/kafka/kafka_transport.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <memory>
#include <string>
#include <utility>

#include "tallybus/codec.h"
#include "transports/kafka/kafka_link.h"
#include "transports/kafka/kafka_settings.h"
#include "transports/parts/attributes.h"
#include "transports/parts/linked_transport.h"

namespace tallybus::kafka {
namespace {

absl::StatusOr<AttemptText> Tell(const Delivery& delivery, const Clock&) {
  const auto settings = ReadSettings(delivery.endpoint);
  if (!settings.ok()) return settings.status();
  const Parcel& parcel = delivery.parcels.front();
  const auto attributes = parts::AttributesOf(parcel);
  return AttemptText{
      .head = absl::StrCat("topic ", settings->topic, "\nkey ", JsonString(parcel.lane), "\n",
                           parts::LinesOf(attributes)),
      .body = std::string(parcel.body),
      .note = ""};
}

}  // namespace

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
  descriptor.tell = Tell;
  return descriptor;
}

}  // namespace tallybus::kafka
