// One line for each transport.
#include "transports/builtin.h"

#include "transports/rest/rest_transport.h"
#ifdef TALLYBUS_HAS_FILE
#include "transports/file/file_transport.h"
#endif
#ifdef TALLYBUS_HAS_KAFKA
#include "transports/kafka/kafka_transport.h"
#endif
#ifdef TALLYBUS_HAS_MQTT
#include "transports/mqtt/mqtt_transport.h"
#endif
#ifdef TALLYBUS_HAS_NATS
#include "transports/nats/nats_transport.h"
#endif

namespace tallybus {

absl::Status RegisterBuiltinTransports(TransportRegistry& registry) {
  absl::Status status;
#ifdef TALLYBUS_HAS_FILE
  status.Update(registry.Register(file::FileDescriptor()));
#endif
  status.Update(registry.Register(rest::RestDescriptor()));
#ifdef TALLYBUS_HAS_KAFKA
  status.Update(registry.Register(kafka::KafkaDescriptor()));
#endif
#ifdef TALLYBUS_HAS_MQTT
  status.Update(registry.Register(mqtt::MqttDescriptor()));
#endif
#ifdef TALLYBUS_HAS_NATS
  status.Update(registry.Register(nats::NatsDescriptor()));
#endif
  return status;
}

}  // namespace tallybus
