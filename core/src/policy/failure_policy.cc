// LOG or FAIL, settle or try again.
#include "policy/failure_policy.h"

namespace tallybus {
namespace {

bool Succeeded(const Route& route, const DeliveryResult& result) {
  if (result.verdict != Verdict::kDelivered || result.answer_cut) return false;
  return !route.strict_success || result.remote_code == 0 || result.remote_code == 200;
}

// A verdict without a code is the answer of a transport that has no codes.
bool Answered(const DeliveryResult& result) {
  return result.remote_code != 0 || result.verdict != Verdict::kRetryLater;
}

}  // namespace

Judgement Judge(const SpoolRow& row, const DeliveryResult& result, const Trying& trying) {
  Judgement judgement;
  judgement.failed = !Succeeded(*row.route, result);
  if (!judgement.failed || Answered(result)) return judgement;
  const bool once = row.event->method == kStreamKeepAliveEvent;
  const auto step = once ? std::nullopt : RetryStep(row.route->retry, trying);
  judgement.then = step ? Judgement::Then::kRetry : Judgement::Then::kGiveUp;
  judgement.retry_step = step.value_or(absl::ZeroDuration());
  return judgement;
}

}  // namespace tallybus
