// What one attempt's result means for its event under `delivery: notify`. Pure.
#ifndef TALLYBUS_POLICY_FAILURE_POLICY_H_
#define TALLYBUS_POLICY_FAILURE_POLICY_H_

#include "delivery/retry_schedule.h"
#include "tallybus/spool.h"
#include "tallybus/transport.h"

namespace tallybus {

struct Judgement {
  enum class Then { kSettle, kRetry, kGiveUp };
  Then then = Then::kSettle;
  bool failed = false;
  absl::Duration retry_step = absl::ZeroDuration();  // before jitter, where then is kRetry
};

// Any answer settles the event, as in Web Call Server; its status only says whether it failed. An
// answer that had to be cut is a failed one. No answer is tried again on the route's schedule,
// but for StreamKeepAliveEvent, whose next one tells more than a retry.
Judgement Judge(const SpoolRow& row, const DeliveryResult& result, const Trying& trying);

}  // namespace tallybus

#endif  // TALLYBUS_POLICY_FAILURE_POLICY_H_
