// The way to one broker: messages out at QoS 1, PUBACKs back.
#ifndef TALLYBUS_MQTT_MQTT_LINK_H_
#define TALLYBUS_MQTT_MQTT_LINK_H_

#include <memory>

#include "transports/mqtt/mqtt_settings.h"
#include "transports/parts/linked_transport.h"

namespace tallybus::mqtt {

// Connects when there is something to send. What is under way when the connection is lost is
// completed with "connection reset", and the next delivery begins a new session: the client library
// neither connects nor sends again by itself.
std::unique_ptr<parts::Link> MakeMqttLink(MqttSettings settings, const parts::LinkContext& context);

}  // namespace tallybus::mqtt

#endif  // TALLYBUS_MQTT_MQTT_LINK_H_
