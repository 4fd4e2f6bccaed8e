// Scheme "kafka": each event is a message of one topic, its lane the key.
#ifndef TALLYBUS_KAFKA_KAFKA_TRANSPORT_H_
#define TALLYBUS_KAFKA_KAFKA_TRANSPORT_H_

#include "tallybus/transport_registry.h"

namespace tallybus::kafka {

TransportDescriptor KafkaDescriptor();

}  // namespace tallybus::kafka

#endif  // TALLYBUS_KAFKA_KAFKA_TRANSPORT_H_
