// Always a verdict that lets the event be tried again, but for an endpoint that needs a hand.
#include "transports/rest/not_made.h"

#include <string_view>
#include <utility>

#include "transports/rest/verdict.h"

namespace tallybus::rest {
namespace {

DeliveryResult NeverSent(absl::Status status, std::string_view reason) {
  DeliveryResult result;
  result.verdict = Verdict::kRetryLater;
  result.never_sent = true;
  result.status = std::move(status);
  result.reason = reason;
  return result;
}

}  // namespace

DeliveryResult NotMade(absl::Status status) {
  return NeverSent(std::move(status), kConnectionReset);
}

DeliveryResult Unusable(absl::Status status) {
  DeliveryResult result = NeverSent(std::move(status), kConnectionRefused);
  result.verdict = Verdict::kHold;
  return result;
}

DeliveryResult Late(const std::string& peer) {
  return NeverSent(StatusOfNoAnswer(peer, kTimedOut, "before the request could begin"), kTimedOut);
}

DeliveryResult Unsent() { return NotMade(absl::CancelledError("put back: it waited ahead")); }

DeliveryResult Aborted(bool never_sent) {
  DeliveryResult result = NotMade(absl::CancelledError("aborted: the transport stops"));
  result.never_sent = never_sent;
  return result;
}

}  // namespace tallybus::rest
