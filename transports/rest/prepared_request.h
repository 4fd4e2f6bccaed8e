// What one attempt sends: where to, which fields, which bytes. Pure, but for the time of a
// signature.
#ifndef TALLYBUS_REST_PREPARED_REQUEST_H_
#define TALLYBUS_REST_PREPARED_REQUEST_H_

#include <string>
#include <string_view>

#include "tallybus/clock.h"
#include "tallybus/transport.h"
#include "tallybus/transport_registry.h"
#include "transports/rest/endpoint_settings.h"
#include "transports/rest/request.h"

namespace tallybus::rest {

// Of one endpoint for its whole life: room is used again, and what stays is not made anew.
struct PreparedRequest {
  explicit PreparedRequest(const EndpointSettings& settings) : url(settings.url.whole) {}
  // Replaces it by the request of this delivery, which it refers to. False: url is as it was.
  bool Prepare(const EndpointSettings& settings, const Delivery& delivery, const Clock& clock);

  std::string url;
  HeaderFields headers;  // all but Host and Content-Length
  std::string_view body;
  std::string_view plain;  // the body before it is compressed

 private:
  std::string method_;   // that url ends in; empty: none
  std::string written_;  // the body, where it is not an event's own bytes
  std::string packed_;   // the body, where it is compressed
};

// The request as HTTP/1.1 sends it, with the body before gzip. INVALID_ARGUMENT as ReadSettings.
absl::StatusOr<AttemptText> TellRequest(const Delivery& delivery, const Clock& clock);

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_PREPARED_REQUEST_H_
