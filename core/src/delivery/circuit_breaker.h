// Stops sending to an endpoint that fails, and finds out with one probe at a time when it is back.
#ifndef TALLYBUS_DELIVERY_CIRCUIT_BREAKER_H_
#define TALLYBUS_DELIVERY_CIRCUIT_BREAKER_H_

#include <array>
#include <cstdint>

#include "delivery/jitter.h"
#include "tallybus/clock.h"

namespace tallybus {

// [owner] Trips at five failures in a row, or when of at least 20 requests within the last 30 s
// half failed. Open for 5 s, after each failed probe for twice as long, up to 60 s; each time
// jittered between half and the whole. One good probe closes it, and the steps begin anew.
class CircuitBreaker {
 public:
  enum class State { kClosed, kOpen, kHalfOpen };

  explicit CircuitBreaker(uint64_t seed) : jitter_(seed) {}

  // What came of a request that was no probe. While not closed it tells nothing new.
  void Succeeded(MonoTime now) { Count(false, now); }
  void Failed(MonoTime now) { Count(true, now); }

  // True where the one probe may go.
  bool ProbeDue(MonoTime now) const { return state_ == State::kOpen && now >= probe_at_; }
  void ProbeStarted() { state_ = State::kHalfOpen; }
  // The probe's end, while half-open. One that was abandoned has failed.
  void ProbeSucceeded(MonoTime now);
  void ProbeFailed(MonoTime now);
  // Makes an open breaker's next probe due now.
  void ProbeAtOnce(MonoTime now);

  State state() const { return state_; }
  // Since when it is closed, or not closed.
  MonoTime since() const { return since_; }
  // While open: when the next probe is due.
  MonoTime probe_at() const { return probe_at_; }
  // Probes that failed since it tripped.
  int failed_probes() const { return failed_probes_; }

 private:
  static constexpr int kWindowSeconds = 30;
  struct Second {
    int64_t number = 0;  // of the monotonic clock
    int requests = 0;
    int failed = 0;
  };

  void Count(bool failed, MonoTime now);
  bool HalfFailed(int64_t second) const;
  void Open(MonoTime now);

  Jitter jitter_;
  State state_ = State::kClosed;
  MonoTime since_;
  MonoTime probe_at_;
  int failed_probes_ = 0;
  int in_a_row_ = 0;
  std::array<Second, kWindowSeconds> window_ = {};
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_CIRCUIT_BREAKER_H_
