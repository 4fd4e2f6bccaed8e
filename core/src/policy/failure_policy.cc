// LOG or FAIL; settle, try again, or dead-letter; and what the endpoint is to be told.
#include "policy/failure_policy.h"

#include <algorithm>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

using Kind = EndpointSign::Kind;
using Then = Judgement::Then;

constexpr size_t kLongestPhrase = 256;
constexpr int kTooManyRequests = 429;
constexpr int kServiceUnavailable = 503;

bool IsSuccessCode(const Route& route, const DeliveryResult& result) {
  return !route.strict_success || result.remote_code == 0 || result.remote_code == 200;
}

// A verdict without a code is the answer of a transport that has no codes; of what never went out,
// it is none.
bool Answered(const DeliveryResult& result) {
  return result.remote_code != 0 || (result.verdict != Verdict::kRetryLater && !result.never_sent);
}

// The method is in the path: a backend without one path must not stop the others.
bool IsOfMethod(int code) { return code == 403 || code == 404 || code == 405; }

bool HasNoRetry(const Route& route) { return route.retry.kind == RetrySchedule::Kind::kNone; }

// Keeps the event until its endpoint is well again.
void Keep(const Route& route, Judgement& judgement) {
  judgement.burns_attempt = false;
  judgement.then = HasNoRetry(route) ? Then::kGiveUp : Then::kRetry;
  judgement.retry_step.longest = LongestStep(route.retry);
}

void TryLater(const Route& route, const DeliveryResult& result, const Trying& trying,
              Judgement& judgement) {
  judgement.sign.kind = Kind::kTrouble;
  judgement.sign.reason = EscapedPrefix(result.reason, kLongestPhrase);
  if (trying.in_outage) return Keep(route, judgement);
  const auto step = NextStep(route.retry, trying);
  judgement.then = step ? Then::kRetry : Then::kGiveUp;
  judgement.retry_step = step.value_or(RetryStep());
}

void JudgeGuaranteed(const Route& route, const DeliveryResult& result, const Trying& trying,
                     Judgement& judgement) {
  const int code = result.remote_code;
  switch (result.verdict) {
    case Verdict::kDelivered:
      // Sending again what a strict reading refuses would bring the same answer.
      judgement.then = IsSuccessCode(route, result) ? Then::kSettle : Then::kReject;
      judgement.sign.kind = judgement.failed ? Kind::kAnswered : Kind::kTaken;
      return;
    case Verdict::kRetryLater:
      TryLater(route, result, trying, judgement);
      if (code == kTooManyRequests || code == kServiceUnavailable) {
        judgement.sign.pause = std::min(result.retry_after, LongestStep(route.retry));
      }
      return;
    case Verdict::kHold:
      Keep(route, judgement);
      judgement.sign.kind =
          result.hold_method || IsOfMethod(code) ? Kind::kHoldMethod : Kind::kHold;
      judgement.sign.reason = EscapedPrefix(result.reason, kLongestPhrase);
      return;
    case Verdict::kRejected:
      judgement.then = Then::kReject;
      judgement.sign.kind = Kind::kAnswered;
      return;
    case Verdict::kGone:
      judgement.then = Then::kReject;
      judgement.sign.kind = Kind::kGone;
      return;
  }
}

}  // namespace

bool Succeeded(const Route& route, const DeliveryResult& result) {
  return result.verdict == Verdict::kDelivered && !result.answer_cut &&
         IsSuccessCode(route, result);
}

Judgement Judge(const Route& route, const SpoolRow& row, const DeliveryResult& result,
                const Trying& trying) {
  Judgement judgement;
  judgement.failed = !Succeeded(route, result);
  if (row.event->method == kStreamKeepAliveEvent) return judgement;
  judgement.sign.code = result.remote_code;
  if (row.delivery == DeliveryMode::kGuaranteed) {
    JudgeGuaranteed(route, result, trying, judgement);
  } else if (Answered(result)) {
    judgement.sign.kind = judgement.failed ? Kind::kAnswered : Kind::kTaken;
  } else {
    TryLater(route, result, trying, judgement);
  }
  return judgement;
}

}  // namespace tallybus
