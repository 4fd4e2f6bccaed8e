// What one attempt's result means for its event, and tells of its endpoint. Pure.
#ifndef TALLYBUS_POLICY_FAILURE_POLICY_H_
#define TALLYBUS_POLICY_FAILURE_POLICY_H_

#include "delivery/endpoint_sign.h"
#include "delivery/retry_schedule.h"
#include "tallybus/spool.h"
#include "tallybus/transport.h"

namespace tallybus {

struct Judgement {
  enum class Then {
    kSettle,  // done; `failed` says how
    kRetry,   // stays at the head of its lane
    kGiveUp,  // dead letter: its schedule is over
    kReject,  // dead letter: it will never be taken
  };
  Then then = Then::kSettle;
  bool failed = false;
  bool burns_attempt = true;  // false: the endpoint is to blame, and the event's count stands still
  RetryStep retry_step;       // where then is kRetry; a zero step leaves the moment to the gate
  EndpointSign sign;
};

// Under `delivery: notify` any answer settles the event, as in Web Call Server; its status only
// says whether it failed. No answer is tried again on the route's schedule.
// Under `delivery: guaranteed` the verdict decides: taken is settled; retry later goes by the
// schedule; a hold keeps the event and burns no attempt; rejected and gone are dead letters.
// In both a failure in an outage burns no attempt, but `retry: none` makes every failure final; an
// answer that had to be cut is a failed one, although the peer took the event; and any outcome
// settles a StreamKeepAliveEvent, whose next one tells more than a retry.
Judgement Judge(const Route& route, const SpoolRow& row, const DeliveryResult& result,
                const Trying& trying);

// Whether the peer took what it was sent, as the route reads its answer.
bool Succeeded(const Route& route, const DeliveryResult& result);

}  // namespace tallybus

#endif  // TALLYBUS_POLICY_FAILURE_POLICY_H_
