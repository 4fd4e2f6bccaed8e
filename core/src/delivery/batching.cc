// Batches: how lanes get into one, when it goes, and what its answer means for each of its rows. A
// batch lives until it is answered: what is to be tried again goes back into its lanes.
#include <algorithm>
#include <memory>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "delivery/dispatcher.h"
#include "delivery/retry_schedule.h"

namespace tallybus {
namespace {

// Where others have their method: a batch holds several, and goes to one address.
constexpr std::string_view kBatches = "batches";
// Batches that are full before they may go: their bodies are in memory.
constexpr size_t kBatchesAhead = 2;

bool IsProbe(Permit permit) { return permit == Permit::kProbe || permit == Permit::kMethodProbe; }
bool IsGo(Permit permit) { return permit == Permit::kGo || IsProbe(permit); }

bool IsDamaged(const Batch::Row& row) { return row.body->event == nullptr; }

// A client error that may be one event's, and not the path's, the credentials' or the hour's.
bool MayBeOneEvents(const Judgement& judgement, int code) {
  if (!judgement.failed || judgement.then == Judgement::Then::kRetry) return false;
  if (code < 400 || code >= 500) return false;
  static constexpr int kOfTheEndpoint[] = {401, 404, 405, 407, 408, 410, 425, 429};
  return std::find(std::begin(kOfTheEndpoint), std::end(kOfTheEndpoint), code) ==
         std::end(kOfTheEndpoint);
}

}  // namespace

// A row whose lane was idle.
void Dispatcher::EnqueueBatched(Lane& lane, const SpoolRowPtr& row) {
  EndpointQueue& queue = *lane.queue;
  const MonoTime now = parts_.clock.Now();
  const bool others_first = queue.NextToBatch() != nullptr;
  if (others_first || !MayFill(queue, lane.head.bytes, now)) return queue.AddReady(lane);
  AddToBatch(queue, lane, row, now);
}

// False: the row waits behind what its lane has in another batch.
bool Dispatcher::JoinBatch(Lane& lane, const SpoolRowPtr& row) {
  Batch* filling = lane.queue->filling.get();
  if (lane.batch != filling || !lane.waiting.empty() || lane.tries.attempts > 0) return false;
  const Waiting what = AsWaiting(*row);
  if (!filling->HasRoomFor(what.bytes)) return false;
  AddRow(*filling, lane, what, row);
  return true;
}

void Dispatcher::LoadedBatched(const SpoolRowPtr& row) {
  auto asked = loading_batched_.find(row->seq);
  if (asked == loading_batched_.end()) return;
  auto [batch, index] = asked->second;
  batch->SetBody(index, row);
  loading_batched_.erase(asked);
}

// Whether a head of so many bytes may come into a batch now. One is begun only when it may go soon:
// a lane that waits has no body in memory.
bool Dispatcher::MayFill(const EndpointQueue& queue, size_t bytes, MonoTime now) const {
  if (queue.filling != nullptr && queue.filling->HasRoomFor(bytes)) return true;
  const Permit permit = queue.gate.Ask(kBatches, now);
  if (IsProbe(permit)) return queue.closed.empty() && queue.filling == nullptr;
  const bool soon =
      permit == Permit::kGo || (permit == Permit::kWait && !queue.gate.InOutage(kBatches, now));
  return soon && queue.closed.size() < kBatchesAhead;
}

Batch& Dispatcher::FillingBatch(EndpointQueue& queue, size_t bytes, MonoTime now) {
  if (queue.filling != nullptr && !queue.filling->HasRoomFor(bytes)) {
    queue.closed.push_back(std::exchange(queue.filling, nullptr));
  }
  if (queue.filling == nullptr) {
    BatchLimits limits = *queue.today->batch;
    if (IsProbe(queue.gate.Ask(kBatches, now))) limits.max_events = 1;
    queue.filling = std::make_shared<Batch>(limits, now);
  }
  return *queue.filling;
}

// The head, and as many of those behind it as there is room for; those that were tried together
// stay so.
void Dispatcher::AddToBatch(EndpointQueue& queue, Lane& lane, const SpoolRowPtr& body,
                            MonoTime now) {
  Batch& batch = FillingBatch(queue, lane.head.bytes, now);
  lane.state = Lane::State::kBatched;
  lane.batch = &batch;
  lane.body = nullptr;
  lane.head.may_have_arrived |= lane.tries.may_have_arrived;
  AddRow(batch, lane, lane.head, body);
  const SpoolSeq through = lane.tries.attempts == 0 ? Backlog::kAll : lane.tried_through;
  while (!batch.IsFull()) {
    const auto next = backlog_.Pop(lane.waiting, queue.sheddable, batch.room_bytes(), through);
    if (!next) break;
    AddRow(batch, lane, *next, nullptr);
  }
}

void Dispatcher::AddRow(Batch& batch, Lane& lane, const Waiting& what, SpoolRowPtr body) {
  if (body == nullptr) {
    loading_batched_[what.seq] = {&batch, batch.rows().size()};
    wanted_.push_back(what.seq);
  }
  ++lane.batched;
  batch.Add({.lane = &lane,
             .what = what,
             .body = std::move(body),
             .attempts = lane.tries.attempts,
             .burnt = lane.tries.burnt,
             .due = {}});
}

bool Dispatcher::DispatchBatches(EndpointQueue& queue, MonoTime now) {
  if (!queue.SendsBatches() && queue.filling == nullptr && queue.closed.empty()) return false;
  const Permit permit = queue.gate.Ask(kBatches, now);
  const bool may_go_soon = IsGo(permit) || !queue.gate.InOutage(kBatches, now);
  if (!queue.SendsBatches() || !may_go_soon) {
    return DissolveAll(queue, now);
  }
  bool any = false;
  do {
    for (Lane* lane = queue.NextToBatch(); lane != nullptr && MayFill(queue, lane->head.bytes, now);
         lane = queue.NextToBatch()) {
      queue.PopReady();
      AddToBatch(queue, *lane, nullptr, now);
    }
  } while (SendNextBatch(queue, now) && (any = true));
  return any;
}

// False: none may go now.
bool Dispatcher::SendNextBatch(EndpointQueue& queue, MonoTime now) {
  const Permit permit = queue.gate.Ask(kBatches, now);
  if (!IsGo(permit)) return false;
  if (queue.closed.empty()) {
    if (queue.filling == nullptr) return false;
    const bool may_grow = !queue.filling->IsFull() && now < queue.filling->due();
    if (may_grow && !retries_stopped_) return false;  // a stop waits for nobody
    queue.closed.push_back(std::exchange(queue.filling, nullptr));
  }
  if (!queue.closed.front()->HasAllBodies()) return false;
  const std::shared_ptr<Batch> batch = std::move(queue.closed.front());
  queue.closed.pop_front();
  OpenAttempt(queue, batch, permit, now);
  return true;
}

void Dispatcher::OpenAttempt(EndpointQueue& queue, const std::shared_ptr<Batch>& batch,
                             Permit permit, MonoTime now) {
  Attempt attempt;
  attempt.parcels.reserve(batch->Part().size());
  for (Batch::Row& row : batch->Part()) {
    if (IsDamaged(row)) continue;  // it is buried when the others are judged
    Lane& lane = *row.lane;
    BeginTrying(lane, kBatches, now);
    parts_.outcomes.OnAttempt(*row.body, ++row.attempts);
    attempt.want_answer |= row.body->on_error == OnError::kFail;
    attempt.parcels.push_back(ParcelOf(*row.body, lane.key, row.attempts, row.what.may_have_arrived,
                                       lane.tries.reordered || lane.passed > 0));
  }
  if (attempt.parcels.empty()) {
    for (Batch::Row& row : batch->Part()) BuryDamaged(row, now);
    return NextPart(queue, batch);
  }
  queue.attempts.Add(attempt.parcels.size());
  in_flight_events_ += attempt.parcels.size();
  attempt.batch = batch;
  attempt.route = queue.today;
  attempt.pass = queue.gate.Start(permit, kBatches, now);
  attempt.deadline = now + queue.today->endpoint.timeout;
  deliveries_[queue.today->transport].push_back(in_flight_.Open(std::move(attempt)));
}

void Dispatcher::JudgedBatch(const InFlight::Completed& completed, MonoTime now) {
  const Attempt& attempt = completed.attempt;
  const DeliveryResult& result = completed.result;
  const std::shared_ptr<Batch>& batch = attempt.batch;
  const std::span<Batch::Row> part = batch->Part();
  EndpointQueue& queue = *part.front().lane->queue;
  in_flight_events_ -= attempt.parcels.size();
  if (dispatch_stopped_ && absl::IsCancelled(result.status)) {  // our own stop is no verdict
    for (Batch::Row& row : part) {
      if (IsDamaged(row)) continue;
      if (result.never_sent) --row.attempts;
      NoteTried(row, !result.never_sent, now);
    }
    return Dissolve(queue, *batch, now);
  }
  const auto& first = *std::find_if_not(part.begin(), part.end(), IsDamaged);
  const bool in_outage = queue.gate.InOutage(kBatches, now);  // before this answer
  const Judgement judgement =
      Judge(*attempt.route, *first.body, result, TryingOf(first, result, in_outage, now));
  const uint64_t alarms = queue.gate.alarms_version();
  queue.gate.Finish(attempt.pass, kBatches, judgement.sign, now);
  bool keeps = false;
  if (attempt.parcels.size() > 1 && MayBeOneEvents(judgement, result.remote_code)) {
    queue.attempts_failed.Add(attempt.parcels.size());
    for (Batch::Row& row : part) NoteTried(row, true, now);
    batch->Split();
    queue.closed.push_front(batch);
  } else {
    const double random = std::uniform_real_distribution<double>(0, 1)(random_);
    Settlement delivered;
    delivered.http_status = result.remote_code;
    for (Batch::Row& row : part) {
      if (IsDamaged(row)) {
        BuryDamaged(row, now);
      } else if (judgement.failed) {
        JudgeRow(row, completed, in_outage, random, now);
      } else {
        SettleBatched(row, delivered, now);
      }
      keeps |= !row.done;
    }
    if (!keeps) NextPart(queue, batch);
  }
  if (keeps) Dissolve(queue, *batch, now);
  if (queue.gate.alarms_version() != alarms) parts_.outcomes.OnEndpoint(queue);
}

Trying Dispatcher::TryingOf(const Batch::Row& row, const DeliveryResult& result, bool in_outage,
                            MonoTime now) const {
  return {.attempts = row.burnt + 1,
          .for_time = OwnTime(*row.lane, now),
          .terminal = row.what.terminal,
          .retry_after = result.retry_after,
          .in_outage = in_outage};
}

// One row of a failed attempt, of which the gate has heard.
void Dispatcher::JudgeRow(Batch::Row& row, const InFlight::Completed& completed, bool in_outage,
                          double random, MonoTime now) {
  const DeliveryResult& result = completed.result;
  const Trying trying = TryingOf(row, result, in_outage, now);
  Judgement judgement = Judge(*completed.attempt.route, *row.body, result, trying);
  TryElsewhereIfGone(*row.lane->queue, &judgement);
  if (judgement.burns_attempt) ++row.burnt;
  std::optional<MonoTime> next;
  if (judgement.then == Judgement::Then::kRetry) {
    next = now + JitteredDelay(judgement.retry_step, trying, random);
  }
  Failed(*row.lane, *row.body, row.attempts, result, next);
  if (!next) return SettleBatched(row, SettlementOf(judgement, result), now);
  row.due = *next;
  NoteTried(row, !result.never_sent, now);
}

void Dispatcher::NoteTried(Batch::Row& row, bool may_have_arrived, MonoTime now) {
  row.what.may_have_arrived |= may_have_arrived;
  const absl::Duration wait = std::max(row.due - now, absl::ZeroDuration());
  progress_.push_back({.seq = row.what.seq,
                       .attempts = row.attempts,
                       .tries = row.burnt,
                       .own_time = OwnTime(*row.lane, now),
                       .due = parts_.clock.WallNow() + wait,
                       .may_have_arrived = row.what.may_have_arrived,
                       .reordered = row.lane->tries.reordered});
}

void Dispatcher::BuryDamaged(Batch::Row& row, MonoTime now) {
  damaged_.Add();
  Settlement settlement;
  settlement.outcome = Settlement::Outcome::kGivenUp;
  settlement.reason = "damaged on disk";
  SettleBatched(row, std::move(settlement), now);
}

void Dispatcher::SettleBatched(Batch::Row& row, Settlement settlement, MonoTime now) {
  Lane& lane = *row.lane;
  row.done = true;
  SettleRow(lane, row.what, *row.body, row.attempts, std::move(settlement));
  if (--lane.batched > 0) return;
  lane.batch = nullptr;
  Advance(lane, now);
}

void Dispatcher::NextPart(EndpointQueue& queue, const std::shared_ptr<Batch>& batch) {
  if (batch->NextPart()) queue.closed.push_front(batch);
}

// What is left of it waits in its lanes again, as it stood.
void Dispatcher::Dissolve(EndpointQueue& queue, Batch& batch, MonoTime now) {
  std::vector<Lane*> lanes;
  for (Batch::Row& row : batch.rows()) {
    if (row.done) continue;
    Lane& lane = *row.lane;
    if (lane.batch == &batch) {
      lanes.push_back(&lane);
      lane.batch = nullptr;
      lane.batched = lane.tried_along = 0;
      lane.tried_through = 0;
      lane.tries.attempts = row.attempts;
      lane.tries.burnt = row.burnt;
      lane.due = row.due;
    }
    if (row.attempts > 0 && row.attempts == lane.tries.attempts) {
      ++lane.tried_along;
      lane.tried_through = row.what.seq;
    }
    if (row.body == nullptr) loading_batched_.erase(row.what.seq);
  }
  for (auto row = batch.rows().rbegin(); row != batch.rows().rend(); ++row) {
    if (!row->done) backlog_.PushFront(row->lane->waiting, queue.sheddable, row->what);
  }
  for (Lane* lane : lanes) {
    SetHead(*lane, *backlog_.Pop(lane->waiting, queue.sheddable), lane->tries);
    if (lane->due > now) {
      BackOffUntil(*lane, lane->due);
    } else {
      queue.AddReady(*lane);
    }
  }
}

// True: there was one.
bool Dispatcher::DissolveAll(EndpointQueue& queue, MonoTime now) {
  const bool any = queue.filling != nullptr || !queue.closed.empty();
  for (const auto& batch : std::exchange(queue.closed, {})) Dissolve(queue, *batch, now);
  if (auto filling = std::exchange(queue.filling, nullptr)) Dissolve(queue, *filling, now);
  return any;
}

}  // namespace tallybus
