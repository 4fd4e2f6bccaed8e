// What the report of one message means, where it was alone in its request. Pure.
#ifndef TALLYBUS_KAFKA_DELIVERY_REPORT_H_
#define TALLYBUS_KAFKA_DELIVERY_REPORT_H_

#include <string>

#include "tallybus/transport.h"

namespace tallybus::kafka {

// `error` is an rd_kafka_resp_err_t; `never_sent`: the library knows that the message did not
// leave.
DeliveryResult ReadReport(int error, bool never_sent, const std::string& url);

}  // namespace tallybus::kafka

#endif  // TALLYBUS_KAFKA_DELIVERY_REPORT_H_
