// Only what no waiting can mend settles an event.
#include "transports/kafka/delivery_report.h"

#include <absl/strings/str_cat.h>
#include <librdkafka/rdkafka.h>

#include "transports/parts/open_attempts.h"

namespace tallybus::kafka {
namespace {

Verdict VerdictOf(int error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
      return Verdict::kRejected;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      return Verdict::kHold;
    default:
      return Verdict::kRetryLater;
  }
}

// The fixed words, and for what a broker has said, the library's text of it.
std::string ReasonOf(int error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      return parts::kConnectionRefused;
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
      return parts::kConnectionReset;
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
      return parts::kTimedOut;
    case RD_KAFKA_RESP_ERR__SSL:
      return parts::kTlsFailure;
    case RD_KAFKA_RESP_ERR__RESOLVE:
      return parts::kHostNotFound;
    default:
      return rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(error));
  }
}

}  // namespace

DeliveryResult ReadReport(int error, bool never_sent, const std::string& url) {
  DeliveryResult result;
  result.verdict = Verdict::kDelivered;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return result;
  result.verdict = VerdictOf(error);
  result.reason = ReasonOf(error);
  result.never_sent = never_sent;
  result.status = absl::UnavailableError(
      absl::StrCat(url, ": ", rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error))));
  return result;
}

}  // namespace tallybus::kafka
