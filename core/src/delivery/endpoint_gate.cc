// The gate asks each of its parts, and tells each what came back.
#include "delivery/endpoint_gate.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "tallybus/event.h"

namespace tallybus {
namespace {

using Breaker = CircuitBreaker::State;
using Decided = EndpointDecision::State;

ConcurrencyLimit::Outcome OutcomeOf(const EndpointSign& sign) {
  if (sign.kind == EndpointSign::Kind::kTaken) return ConcurrencyLimit::Outcome::kSuccess;
  if (sign.kind == EndpointSign::Kind::kNothing) return ConcurrencyLimit::Outcome::kNothing;
  if (sign.kind == EndpointSign::Kind::kTrouble) return ConcurrencyLimit::Outcome::kPushedBack;
  return ConcurrencyLimit::Outcome::kNoMeasure;
}

std::string AnsweredText(int code, const std::string& phrase = "") {
  return code != 0 ? absl::StrCat("answered ", code) : AnswerText(0, phrase);
}

}  // namespace

std::string AnswerText(int code, const std::string& phrase) {
  if (code != 0) return absl::StrCat("answer ", code);
  return phrase.empty() ? "no answer" : phrase;
}

bool EndpointGate::ProbeDue(MonoTime now) const {
  if (probe_out_) return false;
  if (breaker_.state() != Breaker::kClosed && !breaker_.ProbeDue(now)) return false;
  return !hold_.held || hold_.ProbeDue(now);
}

Permit EndpointGate::Ask(std::string_view method, MonoTime now) const {
  if (decision_.state == Decided::kDisabled) return Permit::kDisabled;
  if (decision_.state == Decided::kPaused || now < wait_until_) return Permit::kWait;
  const bool probe = NeedsProbe();
  // A probe does not wait for those that hang: it is what tells that the peer is back.
  if (probe ? !ProbeDue(now) || limit_.AtMaxConnections() : limit_.Full()) return Permit::kWait;
  // A keep-alive is settled by any outcome, so it finds nothing out.
  if (probe && method == kStreamKeepAliveEvent) return Permit::kMethodHeld;
  const Hold* held = methods_.Find(method);
  if (held != nullptr && !held->ProbeDue(now)) return Permit::kMethodHeld;
  if (probe) return Permit::kProbe;
  return held != nullptr ? Permit::kMethodProbe : Permit::kGo;
}

bool EndpointGate::MayWaitAhead(std::string_view method, MonoTime now) const {
  return !InOutage(method, now) && limit_.HasRoomAhead();
}

Pass EndpointGate::Start(Permit permit, std::string_view method, MonoTime now) {
  if (permit == Permit::kProbe) {
    probe_out_ = true;
    if (breaker_.state() == Breaker::kOpen) breaker_.ProbeStarted();
  }
  if (permit != Permit::kGo) methods_.ProbeStarted(method);
  return {.permit = permit, .started = now, .slot = limit_.Start()};
}

void EndpointGate::Finish(const Pass& pass, std::string_view method, const EndpointSign& sign,
                          MonoTime now) {
  Tick(now);
  const bool current = limit_.Finish(pass.slot, OutcomeOf(sign), now - pass.started, now);
  if (pass.permit == Permit::kProbe) probe_out_ = false;
  HearForBreaker(pass, sign, current, now);
  if (current) {
    HearForEndpointHold(pass, sign, now);
    HearForMethodHold(pass, method, sign, now);
    if (sign.pause > absl::ZeroDuration() && now + sign.pause > wait_until_) {
      if (now >= wait_until_) wait_since_ = now;
      wait_until_ = now + sign.pause;
      wait_code_ = sign.code;
    }
    if (sign.kind == EndpointSign::Kind::kGone && decision_.state != Decided::kDisabled) {
      Restore({.state = Decided::kDisabled,
               .gone = true,
               .reason = absl::StrCat(AnsweredText(sign.code),
                                      sign.code == 410 ? "" : " with webhook-delivery: disable"),
               .since = now},
              now);
    }
  }
  Note(now);
}

void EndpointGate::HearForBreaker(const Pass& pass, const EndpointSign& sign, bool current,
                                  MonoTime now) {
  if (sign.counts_against_breaker()) {
    trouble_code_ = sign.code;
    trouble_reason_ = sign.reason;
  }
  if (pass.permit == Permit::kProbe && breaker_.state() == Breaker::kHalfOpen) {
    if (sign.counts_against_breaker() || !sign.is_answer()) return breaker_.ProbeFailed(now);
    breaker_.ProbeSucceeded(now);
    StartGently(now);
  } else if (current && sign.counts_against_breaker()) {
    breaker_.Failed(now);
  } else if (current && sign.is_answer()) {
    breaker_.Succeeded(now);
  }
}

void EndpointGate::HearForEndpointHold(const Pass& pass, const EndpointSign& sign, MonoTime now) {
  if (!hold_.held) {
    if (sign.kind == EndpointSign::Kind::kHold) hold_.Begin(sign, now, jitter_);
  } else if (pass.permit == Permit::kProbe) {
    if (!sign.is_answer() || sign.is_hold()) return hold_.ProbeLater(now, jitter_);
    hold_ = {};
    StartGently(now);
  }
}

void EndpointGate::HearForMethodHold(const Pass& pass, std::string_view method,
                                     const EndpointSign& sign, MonoTime now) {
  const bool was_held = methods_.Find(method) != nullptr;
  if (sign.kind == EndpointSign::Kind::kHoldMethod && !was_held) {
    // Where so many methods are held, the endpoint is what needs a hand.
    const bool room = methods_.Begin(method, sign, Own(now), now, jitter_);
    if (!room && !hold_.held) hold_.Begin(sign, now, jitter_);
  } else if (was_held && pass.permit != Permit::kGo) {
    if (!sign.is_answer() || sign.is_hold()) return methods_.ProbeLater(method, now, jitter_);
    methods_.Release(method, Own(now));
  }
}

MonoTime EndpointGate::OpensAt() const {
  MonoTime at = wait_until_;
  if (breaker_.state() == Breaker::kOpen) at = std::max(at, breaker_.probe_at());
  if (hold_.held) at = std::max(at, hold_.probe_at);
  return at;
}

std::optional<MonoTime> EndpointGate::NextDue(MonoTime now) const {
  if (decision_.state != Decided::kOpen || (NeedsProbe() && probe_out_)) return std::nullopt;
  if (OpensAt() > now) return OpensAt();
  return methods_.NextDue(now);
}

absl::Duration EndpointGate::Own(MonoTime now) const {
  if (Blocked()) return own_;
  return own_ + std::max(absl::ZeroDuration(), now - std::max(ticked_, wait_until_));
}

void EndpointGate::Tick(MonoTime now) {
  own_ = Own(now);
  ticked_ = now;
}

absl::Duration EndpointGate::OwnTime(std::string_view method, MonoTime now) const {
  const absl::Duration own = Own(now);
  return own - methods_.Lost(method, own);
}

bool EndpointGate::InOutage(std::string_view method, MonoTime now) const {
  return Blocked() || now < wait_until_ || methods_.Find(method) != nullptr;
}

void EndpointGate::StartGently(MonoTime now) {
  limit_.RestartAt1();
  methods_.AbandonProbes(now, jitter_);
}

void EndpointGate::AllIsWell(MonoTime now) {
  decision_ = {.since = now};
  hold_ = {};
  methods_.ReleaseAll(own_);
  wait_until_ = std::min(wait_until_, now);
  breaker_.ProbeAtOnce(now);
  StartGently(now);
  Note(now);
}

void EndpointGate::ReleaseMethods(MonoTime now) {
  Tick(now);
  methods_.ReleaseAll(own_);
  Note(now);
}

void EndpointGate::Pause(std::string reason, std::string author, MonoTime now) {
  if (decision_.state == Decided::kDisabled) return;
  Restore({.state = Decided::kPaused,
           .reason = std::move(reason),
           .author = std::move(author),
           .since = now},
          now);
}

void EndpointGate::Disable(std::string reason, std::string author, MonoTime now) {
  Restore({.state = Decided::kDisabled,
           .reason = std::move(reason),
           .author = std::move(author),
           .since = now},
          now);
}

void EndpointGate::Restore(EndpointDecision decision, MonoTime now) {
  Tick(now);
  decision_ = std::move(decision);
  Note(now);
}

bool EndpointGate::Resume(MonoTime now) {
  if (decision_.state == Decided::kDisabled) return false;
  Tick(now);
  AllIsWell(now);
  return true;
}

bool EndpointGate::Enable(MonoTime now) {
  if (decision_.state != Decided::kDisabled) return false;
  Tick(now);
  AllIsWell(now);
  return true;
}

void EndpointGate::Note(MonoTime now) {
  if (was_blocked_ && !Blocked()) unblocked_at_ = now;
  was_blocked_ = Blocked();
  const Wrong wrong = {.breaker = breaker_.state() != Breaker::kClosed,
                       .held = hold_.held,
                       .gone = decision_.gone,
                       .method_changes = methods_.changes()};
  if (wrong == known_wrong_) return;
  known_wrong_ = wrong;
  ++alarms_version_;
}

std::vector<EndpointAlarm> EndpointGate::Alarms() const {
  using Kind = EndpointAlarm::Kind;
  std::vector<EndpointAlarm> alarms;
  if (breaker_.state() != Breaker::kClosed) {
    alarms.push_back({Kind::kBreakerOpen, "", breaker_.since(), trouble_code_, trouble_reason_});
  }
  if (hold_.held) alarms.push_back({Kind::kHeld, "", hold_.since, hold_.code, hold_.reason});
  for (const auto& [method, entry] : methods_.entries()) {
    if (!entry.hold.held) continue;
    const Hold& hold = entry.hold;
    alarms.push_back({Kind::kMethodHeld, method, hold.since, hold.code, hold.reason});
  }
  if (decision_.gone) alarms.push_back({Kind::kGone, "", decision_.since});
  return alarms;
}

EndpointSnapshot::State EndpointGate::StateAt(MonoTime now) const {
  using State = EndpointSnapshot::State;
  if (decision_.state == Decided::kDisabled) return State::kDisabled;
  if (decision_.state == Decided::kPaused) return State::kPaused;
  if (hold_.held) return State::kHeld;
  if (breaker_.state() == Breaker::kHalfOpen) return State::kProbing;
  if (breaker_.state() == Breaker::kOpen) return State::kBreakerOpen;
  return now < wait_until_ ? State::kAskedToWait : State::kReady;
}

EndpointSnapshot EndpointGate::Snapshot(MonoTime now) const {
  EndpointSnapshot snapshot;
  snapshot.state = StateAt(now);
  if (breaker_.state() == Breaker::kOpen) snapshot.breaker = "open";
  if (breaker_.state() == Breaker::kHalfOpen) snapshot.breaker = "half open";
  snapshot.limit = limit_.limit();
  // Beyond it they wait for a connection.
  snapshot.in_flight = std::min(limit_.in_flight(), limit_.max_connections());
  snapshot.next_try = NextDue(now);
  for (const auto& [method, entry] : methods_.entries()) {
    const Hold& hold = entry.hold;
    if (!hold.held) continue;
    snapshot.held_methods.push_back(
        {method, hold.code, hold.since, hold.probe_at, AnswerText(hold.code, hold.reason)});
  }
  switch (snapshot.state) {
    case EndpointSnapshot::State::kPaused:
    case EndpointSnapshot::State::kDisabled:
      snapshot.since = decision_.since;
      snapshot.reason = decision_.reason;
      snapshot.author = decision_.author;
      break;
    case EndpointSnapshot::State::kHeld:
      snapshot.since = hold_.since;
      snapshot.reason = AnsweredText(hold_.code, hold_.reason);
      break;
    case EndpointSnapshot::State::kBreakerOpen:
    case EndpointSnapshot::State::kProbing:
      snapshot.since = breaker_.since();
      snapshot.reason = AnsweredText(trouble_code_, trouble_reason_);
      break;
    case EndpointSnapshot::State::kAskedToWait:
      snapshot.since = wait_since_;
      snapshot.reason = AnsweredText(wait_code_);
      break;
    case EndpointSnapshot::State::kReady:
      snapshot.since = std::max(unblocked_at_, wait_until_);
      break;
  }
  return snapshot;
}

}  // namespace tallybus
