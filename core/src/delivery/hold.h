// A hold: nothing is sent but a slow probe now and then, until an answer is another.
#ifndef TALLYBUS_DELIVERY_HOLD_H_
#define TALLYBUS_DELIVERY_HOLD_H_

#include <string>

#include "delivery/endpoint_sign.h"
#include "delivery/jitter.h"
#include "tallybus/clock.h"

namespace tallybus {

// [owner] A value: of a whole endpoint, or of one method at it.
struct Hold {
  bool held = false;
  MonoTime since = {};
  int code = 0;             // the answer that began it; 0: one without a code
  std::string reason = {};  // its phrase
  MonoTime probe_at = {};   // the next probe is due
  bool probing = false;

  bool ProbeDue(MonoTime now) const { return held && !probing && now >= probe_at; }
  void Begin(const EndpointSign& sign, MonoTime now, Jitter& jitter) {
    *this = {.held = true, .since = now, .code = sign.code, .reason = sign.reason};
    ProbeLater(now, jitter);
  }
  // The probe, if any, brought no release.
  void ProbeLater(MonoTime now, Jitter& jitter) {
    probing = false;
    probe_at = now + jitter.HalfToWhole(absl::Seconds(60));
  }
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_HOLD_H_
