// What becomes of an attempt: settled, tried again, buried; and what its lane does then.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "delivery/dispatcher.h"
#include "delivery/retry_schedule.h"
#include "tallybus/codec.h"
#include "tallybus/counted.h"

namespace tallybus {
namespace {

std::string Describe(const Lane& lane, const SpoolRow& row) {
  return absl::StrCat(lane.queue->route, ": ", row.event->method, " ", row.event->id.ToString());
}

// "500 Internal Server Error"; where there was no answer, the phrase alone.
std::string AnswerWords(const DeliveryResult& result) {
  const std::string phrase = EscapedPrefix(PhraseOf(result), kLongestReason);
  if (result.remote_code == 0) return phrase;
  return absl::StrCat(result.remote_code, phrase.empty() ? "" : " ", phrase);
}

Settlement::Outcome OutcomeOf(const Judgement& judgement) {
  switch (judgement.then) {
    case Judgement::Then::kGiveUp:
      return Settlement::Outcome::kGivenUp;
    case Judgement::Then::kReject:
      return judgement.sign.kind == EndpointSign::Kind::kGone ? Settlement::Outcome::kGone
                                                              : Settlement::Outcome::kRejected;
    case Judgement::Then::kSettle:
    case Judgement::Then::kRetry:
      break;
  }
  return judgement.failed ? Settlement::Outcome::kFailed : Settlement::Outcome::kDelivered;
}

}  // namespace

std::string_view PhraseOf(const DeliveryResult& result) {
  if (result.reason.empty() && result.remote_code == 0) return "timed out";
  return result.reason;
}

Settlement SettlementOf(const Judgement& judgement, const DeliveryResult& result) {
  Settlement settlement;
  settlement.outcome = OutcomeOf(judgement);
  settlement.http_status = result.remote_code;
  settlement.reason = EscapedPrefix(PhraseOf(result), kLongestReason);
  return settlement;
}

void TryElsewhereIfGone(const EndpointQueue& queue, Judgement* judgement) {
  if (judgement->sign.kind == EndpointSign::Kind::kGone && !queue.Buries()) {
    judgement->then = Judgement::Then::kRetry;
  }
}

void Dispatcher::Judged(const InFlight::Completed& completed, MonoTime now) {
  if (completed.attempt.test != 0) {
    auto test = tests_.extract(completed.attempt.test);
    if (!test.empty()) test.mapped()(completed.result, now - completed.attempt.pass.pass.started);
    return;
  }
  if (completed.attempt.batch != nullptr) return JudgedBatch(completed, now);
  --in_flight_events_;
  Lane& lane = *lanes_.Find(completed.attempt.lane);
  const SpoolRow& row = *completed.attempt.row;
  const DeliveryResult& result = completed.result;
  const bool cancelled = absl::IsCancelled(result.status);
  EndpointQueue& queue = *lane.queue;  // a stray is gone with its row
  RoutePass pass = completed.attempt.pass;
  if (completed.attempt.ahead) {
    if (cancelled && result.never_sent) return TakeBack(lane, pass);
    CountAttempt(queue, row, lane.tries.attempts);  // only now was one made for sure
    pass.pass.started = pass.pass.started + result.waited;
  }
  if (dispatch_stopped_ && cancelled && !lane.ephemeral) return PutBack(lane, result, now);
  RouteGate& gate = queue.gate;
  const Trying trying = {.attempts = lane.tries.burnt + 1,
                         .for_time = OwnTime(lane, now),
                         .terminal = lane.head.terminal,
                         .retry_after = result.retry_after,
                         .in_outage = gate.InOutage(row.event->method, now)};
  Judgement judgement = Judge(*completed.attempt.route, row, result, trying);
  const uint64_t alarms = gate.alarms_version();
  gate.Finish(pass, row.event->method, judgement.sign, now);
  TryElsewhereIfGone(queue, &judgement);
  if (judgement.burns_attempt) ++lane.tries.burnt;
  lane.tries.failed_at = pass.gate;  // of the next head it is forgotten
  std::optional<MonoTime> next;
  if (judgement.then == Judgement::Then::kRetry) {
    const double random = std::uniform_real_distribution<double>(0, 1)(random_);
    next = now + JitteredDelay(judgement.retry_step, trying, random);
  }
  if (judgement.failed) {
    Failed(lane, row, lane.tries.attempts, result, next);
  } else if (completed.attempt.want_answer) {
    parts_.outcomes.OnAnswer(row, result.answer);
  }
  if (next) {
    TryAgain(lane, *next, result, now);
  } else {
    SettleHead(lane, row, SettlementOf(judgement, result), now);
  }
  if (gate.alarms_version() != alarms) parts_.outcomes.OnEndpoint(queue);
}

void Dispatcher::Failed(const Lane& lane, const SpoolRow& row, int attempt,
                        const DeliveryResult& result, std::optional<MonoTime> next) {
  lane.queue->attempts_failed.Add();
  const std::string_view phrase = PhraseOf(result);
  failure_log_.Write(
      LogLevel::kWarning,
      absl::StrCat(Describe(lane, row), " attempt ", attempt, " failed: ", AnswerWords(result),
                   result.status.ok() ? "" : absl::StrCat(" (", result.status.message(), ")"),
                   next ? "; it will be tried again" : ""));
  const Failure failure = {.route = lane.queue->route,
                           .http_status = result.remote_code,
                           .info = FailureInfo(phrase, result.answer),
                           .attempt = attempt,
                           .final = !next};
  parts_.outcomes.OnAttemptFailed(row, failure, next);
}

void Dispatcher::TryAgain(Lane& lane, MonoTime due, const DeliveryResult& result, MonoTime now) {
  lane.tries.may_have_arrived |= !result.never_sent;
  if (lane.queue->today != nullptr && lane.queue->today->skip_failed_head && !lane.stray) {
    return PassBy(lane, due, now);
  }
  NoteProgress(lane, due, now);
  BackOffUntil(lane, due);
}

// Our own stop is no verdict on the event, and says nothing of its endpoint.
void Dispatcher::PutBack(Lane& lane, const DeliveryResult& result, MonoTime now) {
  if (result.never_sent) --lane.tries.attempts;
  lane.tries.may_have_arrived |= !result.never_sent;
  NoteProgress(lane, now, now);
  BackOffUntil(lane, now);
}

// It waited ahead, and no attempt was made.
void Dispatcher::TakeBack(Lane& lane, const RoutePass& pass) {
  lane.queue->gate.TakeBack(pass);
  if (--lane.tries.attempts == 0) lane.tries.began.reset();
  lane.queue->AddReady(lane);
}

void Dispatcher::NoteProgress(const Lane& lane, MonoTime due, MonoTime now) {
  progress_.push_back({.seq = lane.head.seq,
                       .attempts = lane.tries.attempts,
                       .tries = lane.tries.burnt,
                       .own_time = OwnTime(lane, now),
                       .due = parts_.clock.WallNow() + (due - now),
                       .may_have_arrived = lane.tries.may_have_arrived,
                       .reordered = lane.tries.reordered});
}

void Dispatcher::TakeDueRetries(MonoTime now) {
  while (!retries_stopped_ && !retries_.empty() && retries_.top().first <= now) {
    Lane* lane = lanes_.Find(retries_.top().second);
    retries_.pop();
    if (lane == nullptr || lane->state != Lane::State::kBackingOff) continue;
    if (lane->due <= now) lane->queue->AddReady(*lane);  // else a later entry has its time
  }
}

void Dispatcher::TryAtOnce(EndpointQueue& queue) {
  if (retries_stopped_) return;
  for (Lane& lane : lanes_.busy()) {
    if (lane.queue != &queue || lane.state != Lane::State::kBackingOff) continue;
    lane.queue->AddReady(lane);
  }
}

// The head goes on by itself, and the lane without it.
void Dispatcher::PassBy(Lane& lane, MonoTime due, MonoTime now) {
  Lane& stray = lanes_.Stray(lane);
  SetHead(stray, lane.head, lane.tries);
  stray.method = lane.method;  // its own time is counted by it
  stray.tries.reordered = true;
  NoteProgress(stray, due, now);
  BackOffUntil(stray, due);
  Advance(lane, now);
}

// Without an attempt.
void Dispatcher::Bury(Lane& lane, const SpoolRow& row, Settlement::Outcome outcome,
                      std::string_view reason, MonoTime now) {
  if (row.event != nullptr) {
    parts_.outcomes.OnBuried(row, Failure{.route = lane.queue->route,
                                          .http_status = 0,
                                          .info = std::string(reason),
                                          .attempt = lane.tries.attempts,
                                          .final = true});
  }
  Settlement settlement;
  settlement.outcome = outcome;
  settlement.reason = reason;
  SettleHead(lane, row, std::move(settlement), now);
}

void Dispatcher::SettleHead(Lane& lane, const SpoolRow& row, Settlement settlement, MonoTime now) {
  SettleRow(lane, lane.head, row, lane.tries.attempts, std::move(settlement));
  Advance(lane, now);
}

void Dispatcher::SettleRow(Lane& lane, const Waiting& what, const SpoolRow& row, int attempts,
                           Settlement&& settlement) {
  settlement.seq = what.seq;
  settlement.attempts = attempts;
  settlement.bytes = what.bytes;
  settlement.at = wall_now_;
  --unsettled_;
  if (settlement.IsDeadLetter()) LogDeadLetter(lane, row, settlement);
  lane.ended = what.terminal;
  const bool ephemeral = lane.ephemeral;
  if (!ephemeral) CountOutcome(*lane.queue, settlement);
  if (what.replayed) {
    size_t& replayed = lane.queue->replayed_bytes;
    replayed -= std::min<size_t>(replayed, what.bytes);
  }
  parts_.outcomes.OnSettled(settlement);
  if (!ephemeral) settled_.push_back(std::move(settlement));
}

void Dispatcher::LogDeadLetter(const Lane& lane, const SpoolRow& row,
                               const Settlement& settlement) {
  const bool given_up = settlement.outcome == Settlement::Outcome::kGivenUp;
  const std::string what = row.event == nullptr ? absl::StrCat(lane.queue->route, ": row ", row.seq)
                                                : Describe(lane, row);
  given_up_log_.Write(LogLevel::kError,
                      absl::StrCat(what, given_up ? " given up" : " rejected", " after ",
                                   Counted(settlement.attempts, "attempt"), ": ", settlement.reason,
                                   "; it is a dead letter"));
}

void Dispatcher::Advance(Lane& lane, MonoTime now) {
  const bool after_doomed = std::exchange(lane.doomed, false);
  lane.ephemeral = false;
  lane.body = nullptr;
  lane.tried_through = lane.tried_along = 0;
  std::optional<Waiting> next = backlog_.Pop(lane.waiting, lane.queue->sheddable);
  SetHead(lane, next.value_or(Waiting()), {});
  // A lane's backlog is as old as its head was: it need not be looked through one row a minute.
  if (next && after_doomed) {
    lane.doomed = OutlastedOutages(parts_.clock.WallNow() - absl::FromUnixSeconds(next->accepted_s),
                                   absl::ZeroDuration());
  }
  if (next) {
    lane.queue->AddReady(lane);
  } else {
    lanes_.Rest(lane, now);
  }
}

void Dispatcher::Discard(EndpointQueue& queue, const Waiting& row, Settlement::Outcome outcome) {
  Settlement settlement;
  settlement.seq = row.seq;
  settlement.outcome = outcome;
  settlement.bytes = row.bytes;
  --unsettled_;
  CountOutcome(queue, settlement);
  parts_.outcomes.OnSettled(settlement);
  settled_.push_back(std::move(settlement));
}

void Dispatcher::CountOutcome(EndpointQueue& queue, const Settlement& settlement) {
  --queue.rows;
  queue.bytes -= std::min<size_t>(queue.bytes, settlement.bytes);
  switch (settlement.outcome) {
    case Settlement::Outcome::kDelivered:
      ++totals_.delivered;
      queue.delivered.Add();
      break;
    case Settlement::Outcome::kFailed:
      ++totals_.failed;
      queue.failed.Add();
      break;
    case Settlement::Outcome::kGivenUp:
      ++totals_.given_up;
      queue.given_up.Add();
      break;
    case Settlement::Outcome::kRejected:
    case Settlement::Outcome::kGone:
      ++totals_.given_up;
      queue.rejected.Add();
      break;
    case Settlement::Outcome::kShed:
      ++totals_.shed;
      queue.shed.Add();
      break;
    case Settlement::Outcome::kCoalesced:
      ++totals_.coalesced;
      queue.coalesced.Add();
      break;
    case Settlement::Outcome::kReplayed:
    case Settlement::Outcome::kDropped:
      break;
  }
}

void Dispatcher::AddTotals(RouterTotals* totals) const {
  totals->delivered = totals_.delivered;
  totals->failed = totals_.failed;
  totals->given_up = totals_.given_up;
  totals->shed = totals_.shed;
  totals->coalesced = totals_.coalesced;
  totals->in_flight = in_flight_events_ + tests_.size();
  totals->waiting = unsettled_ - in_flight_events_;
  totals->unknown = in_flight_events_;
  for (const Lane& lane : lanes_.busy()) {
    const bool counted =
        lane.state == Lane::State::kInFlight || lane.state == Lane::State::kBatched;
    if (lane.tries.may_have_arrived && !counted) totals->unknown += std::max(lane.tried_along, 1u);
  }
}

}  // namespace tallybus
