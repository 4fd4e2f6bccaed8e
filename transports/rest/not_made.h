// What is told of an attempt that the loop ended by itself, or never began.
#ifndef TALLYBUS_REST_NOT_MADE_H_
#define TALLYBUS_REST_NOT_MADE_H_

#include <absl/status/status.h>

#include <string>

#include "tallybus/transport.h"

namespace tallybus::rest {

// It may be tried again; nothing was sent.
DeliveryResult NotMade(absl::Status status);
// No attempt can succeed before somebody mends the endpoint.
DeliveryResult Unusable(absl::Status status);
// It found no connection in time.
DeliveryResult Late(const std::string& peer);
// It was ahead, and is not to begin: see Transport::most_ahead.
DeliveryResult Unsent();
// The transport stops.
DeliveryResult Aborted(bool never_sent);

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_NOT_MADE_H_
