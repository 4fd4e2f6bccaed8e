// The way to one server: messages out, acknowledgements of JetStream back.
#ifndef TALLYBUS_NATS_NATS_LINK_H_
#define TALLYBUS_NATS_NATS_LINK_H_

#include <memory>

#include "transports/nats/nats_settings.h"
#include "transports/parts/linked_transport.h"

namespace tallybus::nats {

// Connects when there is something to send. What is under way when the connection is lost is
// completed with "connection reset", and the next delivery connects anew: the client library
// neither connects nor sends again by itself.
std::unique_ptr<parts::Link> MakeNatsLink(NatsSettings settings, const parts::LinkContext& context);

}  // namespace tallybus::nats

#endif  // TALLYBUS_NATS_NATS_LINK_H_
