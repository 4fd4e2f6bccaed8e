// Scheme "mqtt": each event is a message at QoS 1.
#ifndef TALLYBUS_MQTT_MQTT_TRANSPORT_H_
#define TALLYBUS_MQTT_MQTT_TRANSPORT_H_

#include "tallybus/transport_registry.h"

namespace tallybus::mqtt {

TransportDescriptor MqttDescriptor();

}  // namespace tallybus::mqtt

#endif  // TALLYBUS_MQTT_MQTT_TRANSPORT_H_
