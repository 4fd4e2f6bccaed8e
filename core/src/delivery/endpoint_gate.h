// Whether one endpoint may be tried now, for which method, and what its outages cost nobody.
#ifndef TALLYBUS_DELIVERY_ENDPOINT_GATE_H_
#define TALLYBUS_DELIVERY_ENDPOINT_GATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/circuit_breaker.h"
#include "delivery/concurrency_limit.h"
#include "delivery/endpoint_sign.h"
#include "delivery/endpoint_state.h"
#include "delivery/hold.h"
#include "delivery/method_holds.h"

namespace tallybus {

enum class Permit {
  kGo,
  kProbe,        // the one that finds out whether the endpoint is well again
  kMethodProbe,  // the one that finds out whether the method is
  kWait,         // nothing may go, of any method
  kMethodHeld,   // not this one; perhaps another method's
  kDisabled,     // what waits is to be dead-lettered
};

// What an attempt takes along, and brings back.
struct Pass {
  Permit permit = Permit::kGo;
  MonoTime started;
  ConcurrencyLimit::Slot slot;
};

// [owner] One for each endpoint; it shares nothing with another. Times never go back.
class EndpointGate {
 public:
  EndpointGate(int max_connections, uint64_t jitter_seed)
      : breaker_(jitter_seed), limit_(max_connections), jitter_(~jitter_seed) {}

  // May an event of this method go now? A StreamKeepAliveEvent is never a probe: kMethodHeld.
  Permit Ask(std::string_view method, MonoTime now) const;
  // Where it may not, for want of a connection: may one wait for that in the transport? It is
  // started by kGo then.
  bool MayWaitAhead(std::string_view method, MonoTime now) const;
  // An attempt goes out, by a permit that Ask has just given: kGo, kProbe or kMethodProbe.
  Pass Start(Permit permit, std::string_view method, MonoTime now);
  // The attempt's end, once for each Start. kNothing: it was abandoned, and a probe has failed.
  // Ask InOutage and OwnTime before, to judge by.
  void Finish(const Pass& pass, std::string_view method, const EndpointSign& sign, MonoTime now);
  // The same where no attempt was made: it had waited ahead.
  void TakeBack(const Pass& pass) { limit_.TakeBack(pass.slot); }
  // When time alone may change an answer of Ask; always after `now`.
  std::optional<MonoTime> NextDue(MonoTime now) const;

  // Time that counts as an event's own trying; only differences have a meaning. It stands still
  // while the breaker is not closed, and while the endpoint, or the method, is held, paused or
  // disabled.
  absl::Duration OwnTime(std::string_view method, MonoTime now) const;
  // True where OwnTime stands still: a failure burns no attempt.
  bool InOutage(std::string_view method, MonoTime now) const;

  // By hand. Resume and Enable are also the word that all is well: holds and waits are over, an
  // open breaker probes at once, concurrency starts at 1. False: not from this state; `enable` is
  // the only way back from disabled.
  void Pause(std::string reason, std::string author, MonoTime now);
  void Disable(std::string reason, std::string author, MonoTime now);
  bool Resume(MonoTime now);
  bool Enable(MonoTime now);
  // What was decided before a restart, `since` included.
  void Restore(EndpointDecision decision, MonoTime now);
  const EndpointDecision& decision() const { return decision_; }
  // A reload that asks at another address: no method is held any more.
  void ReleaseMethods(MonoTime now);
  // A reload.
  void SetMaxConnections(int max_connections, int most_ahead) {
    limit_.SetMaxConnections(max_connections, most_ahead);
  }

  // Grows whenever Alarms would answer another set: compare, then raise and resolve the difference.
  uint64_t alarms_version() const { return alarms_version_; }
  std::vector<EndpointAlarm> Alarms() const;
  EndpointSnapshot Snapshot(MonoTime now) const;
  int limit() const { return limit_.limit(); }
  int in_flight() const { return limit_.in_flight(); }

 private:
  // What Alarms would tell, cheap enough to look at after each attempt.
  struct Wrong {
    bool breaker = false, held = false, gone = false;
    uint64_t method_changes = 0;
    friend bool operator==(const Wrong&, const Wrong&) = default;
  };

  bool NeedsProbe() const {
    return hold_.held || breaker_.state() != CircuitBreaker::State::kClosed;
  }
  bool Blocked() const { return NeedsProbe() || decision_.state != EndpointDecision::State::kOpen; }
  bool ProbeDue(MonoTime now) const;
  MonoTime OpensAt() const;
  absl::Duration Own(MonoTime now) const;
  void Tick(MonoTime now);
  void Note(MonoTime now);
  void HearForBreaker(const Pass& pass, const EndpointSign& sign, bool current, MonoTime now);
  void HearForEndpointHold(const Pass& pass, const EndpointSign& sign, MonoTime now);
  void HearForMethodHold(const Pass& pass, std::string_view method, const EndpointSign& sign,
                         MonoTime now);
  void StartGently(MonoTime now);
  void AllIsWell(MonoTime now);
  EndpointSnapshot::State StateAt(MonoTime now) const;

  CircuitBreaker breaker_;
  ConcurrencyLimit limit_;
  Jitter jitter_;
  EndpointDecision decision_;
  Hold hold_;
  MethodHolds methods_;
  bool probe_out_ = false;
  MonoTime wait_since_, wait_until_;  // the peer asked to be left alone
  int wait_code_ = 0;
  int trouble_code_ = 0;  // the last failure's
  std::string trouble_reason_;
  absl::Duration own_;  // until ticked_
  MonoTime ticked_;
  bool was_blocked_ = false;
  MonoTime unblocked_at_;
  Wrong known_wrong_;
  uint64_t alarms_version_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_ENDPOINT_GATE_H_
