// The descriptor.
#include "transports/nats/nats_transport.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <memory>
#include <string>
#include <utility>

#include "transports/nats/nats_link.h"
#include "transports/nats/nats_settings.h"
#include "transports/parts/attributes.h"
#include "transports/parts/linked_transport.h"

namespace tallybus::nats {
namespace {

absl::StatusOr<AttemptText> Tell(const Delivery& delivery, const Clock&) {
  const auto settings = ReadSettings(delivery.endpoint);
  if (!settings.ok()) return settings.status();
  const Parcel& parcel = delivery.parcels.front();
  auto attributes = parts::AttributesOf(parcel);
  // As the link sets it.
  attributes.push_back({"Nats-Msg-Id", attributes.front().value});
  return AttemptText{.head = absl::StrCat("subject ", settings->subject.For(parcel), "\n",
                                          parts::LinesOf(attributes)),
                     .body = std::string(parcel.body),
                     .note = ""};
}

}  // namespace

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
  descriptor.tell = Tell;
  return descriptor;
}

}  // namespace tallybus::nats
