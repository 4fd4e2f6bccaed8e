// The verdict is the transport's; the words are those of docs/receiving.md.
#include "apps/tallybus/answer_meaning.h"

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include "apps/receive/visible.h"

namespace tallybus::cli {
namespace {

bool Answered(const DeliveryResult& result) { return result.remote_code != 0; }

std::string TriedAgain(const DeliveryResult& result) {
  if (result.retry_after <= absl::ZeroDuration()) return "tried again by the schedule";
  return absl::StrCat("tried again by the schedule, not before ",
                      absl::FormatDuration(result.retry_after));
}

}  // namespace

std::string AnswerText(const DeliveryResult& result) {
  const std::string reason = receive::Visible(result.reason);
  if (Answered(result)) return absl::StrCat(result.remote_code, " ", reason);
  return absl::StrCat("no answer: ",
                      reason.empty() ? std::string(result.status.message()) : reason);
}

std::string MeaningUnderNotify(const DeliveryResult& result) {
  if (!Answered(result)) return TriedAgain(result);
  if (result.verdict == Verdict::kDelivered) return "settled";
  return "settled, as a failure: an ErrorEvent for the client under restOnError FAIL";
}

std::string MeaningUnderGuaranteed(const DeliveryResult& result) {
  switch (result.verdict) {
    case Verdict::kDelivered:
      return "delivered";
    case Verdict::kRetryLater:
      return TriedAgain(result);
    case Verdict::kHold:
      if (result.remote_code == 401 || result.remote_code == 407) {
        return "all events of the endpoint wait until its credentials are mended";
      }
      return "all events of this method wait until its path is mended";
    case Verdict::kRejected:
      return "a dead letter: not sent again by itself";
    case Verdict::kGone:
      break;
  }
  return "the endpoint is disabled until somebody enables it; its events are dead letters";
}

std::string MeaningOfConnect(const DeliveryResult& result) {
  if (Answered(result) && result.verdict == Verdict::kDelivered) {
    return "admits the session; a JSON object in the answer brings its restClientConfig";
  }
  if (DeclinesSession(result)) return "declines the session";
  return "declines the session, though nobody decided so: 401 or 403 says no";
}

bool DeclinesSession(const DeliveryResult& result) {
  return result.remote_code == 401 || result.remote_code == 403;
}

}  // namespace tallybus::cli
