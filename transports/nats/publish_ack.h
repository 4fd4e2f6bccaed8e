// What JetStream's answer to one message means. Pure.
#ifndef TALLYBUS_NATS_PUBLISH_ACK_H_
#define TALLYBUS_NATS_PUBLISH_ACK_H_

#include <string_view>

#include "tallybus/transport.h"

namespace tallybus::nats {

// `bytes` is what was sent to the message's inbox: {"stream":"EVENTS","seq":7}, also of a
// duplicate; or {"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum
// allowed"}}.
DeliveryResult ReadAck(std::string_view bytes);

// The server's word that nobody listens on the subject: no stream has it.
DeliveryResult NoStream();

}  // namespace tallybus::nats

#endif  // TALLYBUS_NATS_PUBLISH_ACK_H_
