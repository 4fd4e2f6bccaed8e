// Scheme "nats": each event is a message in a stream of JetStream.
#ifndef TALLYBUS_NATS_NATS_TRANSPORT_H_
#define TALLYBUS_NATS_NATS_TRANSPORT_H_

#include "tallybus/transport_registry.h"

namespace tallybus::nats {

TransportDescriptor NatsDescriptor();

}  // namespace tallybus::nats

#endif  // TALLYBUS_NATS_NATS_TRANSPORT_H_
