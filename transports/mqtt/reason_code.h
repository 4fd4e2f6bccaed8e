// What a broker's reason codes mean. Pure.
#ifndef TALLYBUS_MQTT_REASON_CODE_H_
#define TALLYBUS_MQTT_REASON_CODE_H_

#include <string>

#include "tallybus/transport.h"

namespace tallybus::mqtt {

// Of a PUBACK. Delivered is what the broker took, also where nobody subscribes to it.
DeliveryResult PublishResult(int code);

// Of a CONNACK that refuses the connection: nothing was sent.
DeliveryResult RefusedResult(int code, const std::string& url);

}  // namespace tallybus::mqtt

#endif  // TALLYBUS_MQTT_REASON_CODE_H_
