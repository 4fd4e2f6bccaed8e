// MQTT 5, section 2.4. Only what no waiting can mend settles an event.
#include "transports/mqtt/reason_code.h"

#include <absl/strings/str_cat.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <utility>

namespace tallybus::mqtt {
namespace {

constexpr int kFirstError = 128;
constexpr int kOldUnacceptableProtocol = 1;  // of a broker before MQTT 5

Verdict VerdictOf(int code) {
  switch (code) {
    case MQTT_RC_PACKET_TOO_LARGE:
    case MQTT_RC_PAYLOAD_FORMAT_INVALID:
    case MQTT_RC_TOPIC_NAME_INVALID:
      return Verdict::kRejected;
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION:
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
    case MQTT_RC_NOT_AUTHORIZED:
    case MQTT_RC_BANNED:
    case MQTT_RC_BAD_AUTHENTICATION_METHOD:
    case kOldUnacceptableProtocol:
      return Verdict::kHold;
    default:
      return Verdict::kRetryLater;
  }
}

DeliveryResult Failed(int code, Verdict verdict, const std::string& what) {
  DeliveryResult result;
  result.verdict = verdict;
  result.reason = mosquitto_reason_string(code);
  result.status =
      absl::FailedPreconditionError(absl::StrCat(what, ": ", result.reason, " (", code, ")"));
  return result;
}

}  // namespace

DeliveryResult PublishResult(int code) {
  if (code >= kFirstError) {
    DeliveryResult failed = Failed(code, VerdictOf(code), "the broker refused it");
    failed.hold_method = code == MQTT_RC_NOT_AUTHORIZED;  // of the topic: the connection is taken
    return failed;
  }
  DeliveryResult delivered;
  delivered.verdict = Verdict::kDelivered;
  return delivered;
}

DeliveryResult RefusedResult(int code, const std::string& url) {
  // The connection alone is judged: of the event the broker knows nothing.
  const Verdict verdict = VerdictOf(code) == Verdict::kHold ? Verdict::kHold : Verdict::kRetryLater;
  DeliveryResult result = Failed(code, verdict, url + " refused the connection");
  result.never_sent = true;
  if (code == kOldUnacceptableProtocol) result.reason = "the broker does not speak MQTT 5";
  return result;
}

}  // namespace tallybus::mqtt
