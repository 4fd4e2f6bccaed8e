// The place of a row that comes in: its lane and number, what it replaces, what must make room; and
// what it does once it is committed.
#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "delivery/dispatcher.h"

namespace tallybus {

void Dispatcher::Place(const Route& route, std::string_view key, SpoolRow* row, SpoolBatch* batch) {
  // Most events go where the one before went.
  if (placed_in_ == nullptr || placed_in_->today.get() != &route) placed_in_ = &QueueOf(route.name);
  EndpointQueue& queue = *placed_in_;
  Lane& lane = lanes_.Get(queue, key);
  row->lane = lane.id;
  row->lane_sequence = lane.next_sequence++;
  if (row->ephemeral) return;
  ++lane.placed;
  if (route.coalesce) Coalesce(lane, row);
  ++queue.rows;
  queue.bytes += row->Bytes();
  if (row->replays > 0) queue.replayed_bytes += row->Bytes();
  KeepQuota(queue);
  if (batch->lanes.empty() || lane.noted_in != batch_) {
    if (batch->lanes.empty()) ++batch_;
    lane.noted_in = batch_;
    lane.noted_at = batch->lanes.size();
    batch->lanes.push_back({lane.id, queue.route, lane.key, 0, false});
  }
  batch->lanes[lane.noted_at].last_sequence = row->lane_sequence;
  batch->lanes[lane.noted_at].ended = row->event->terminal;
}

uint64_t Dispatcher::LastSequence(std::string_view route, std::string_view key) {
  EndpointQueue* queue = FindQueue(route);
  const Lane* lane = queue == nullptr ? nullptr : lanes_.Find(*queue, key);
  if (lane == nullptr) return 0;
  if (lane->idle_since != MonoTime()) {
    Lane& kept = lanes_.Get(*queue, key);
    kept.ended = false;  // another stream of it lives: not for an hour alone
    lanes_.Rest(kept, parts_.clock.Now());
  }
  return lane->next_sequence - 1;
}

// A row takes the place of the one right before it, where that only repeats what the one before it
// said: a change of status stays, and nothing is passed.
void Dispatcher::Coalesce(Lane& lane, SpoolRow* row) {
  if (lane.newest == nullptr) lane.newest = std::make_unique<NewestRow>();
  NewestRow& newest = *lane.newest;
  const size_t kind = KindOf(*row);
  const bool repeats =
      kind != 0 && kind == newest.kind && row->lane_sequence == newest.lane_sequence + 1;
  if (repeats && newest.repeats && TakeNewest(lane, row->seq)) {
    row->coalesced = newest.coalesced + 1;
    lane.queue->outdated_bytes += newest.row.bytes;
  }
  newest = {.row = AsWaiting(*row),
            .lane_sequence = row->lane_sequence,
            .kind = kind,
            .coalesced = row->coalesced,
            .repeats = repeats,
            .stays = repeats ? newest.stays : row->lane_sequence};
}

// False: it was tried, or goes next, or is settled.
bool Dispatcher::TakeNewest(Lane& lane, SpoolSeq newer) {
  NewestRow& newest = *lane.newest;
  const Waiting& older = newest.row;
  if (older.seq <= lane.tried_through) return false;  // in a batch that failed
  // Commits come in order: where any of its lane is owed but for the newer one's, the last is.
  const bool committed = lane.placed == 1;
  const bool has_head = lane.state != Lane::State::kIdle && lane.state != Lane::State::kVacant;
  const uint64_t committed_through = newest.lane_sequence + 1 - static_cast<uint64_t>(lane.placed);
  // Of a stream that never pauses there would always be a newer one: something must go first.
  if (!committed && !has_head && newest.stays <= committed_through) {
    newest.stays = newest.lane_sequence;
    return false;
  }
  if (committed && lane.head.seq == older.seq) {
    if (lane.state != Lane::State::kReady || lane.doomed || lane.tries.attempts > 0) return false;
    lane.head = {};
    lane.state = Lane::State::kVacant;
  } else if (committed && !backlog_.TakeLast(lane.waiting, lane.queue->sheddable, older.seq)) {
    return false;
  }
  replaced_.Hold(older, newer, committed);
  return true;
}

// True: the row is replaced itself already.
bool Dispatcher::SettleReplaced(EndpointQueue& queue, SpoolSeq committed) {
  if (std::optional<Waiting> older = replaced_.TakeOlder(committed)) {
    queue.outdated_bytes -= older->bytes;
    Discard(queue, *older, Settlement::Outcome::kCoalesced);
  }
  return replaced_.TakeOutdated(committed);
}

void Dispatcher::Enqueue(const SpoolRowPtr& row) {
  Lane* lane = lanes_.Find(row->lane);
  if (lane == nullptr) return;
  --lane->placed;
  ++unsettled_;
  if (!replaced_.empty() && SettleReplaced(*lane->queue, row->seq)) return;
  if (lane->state == Lane::State::kVacant) {
    lane->state = Lane::State::kReady;
    return SetHead(*lane, AsWaiting(*row), {});
  }
  if (lane->state != Lane::State::kIdle) {
    if (lane->batch != nullptr && JoinBatch(*lane, row)) return;
    backlog_.Push(lane->waiting, lane->queue->sheddable, AsWaiting(*row));
    return;
  }
  SetHead(*lane, AsWaiting(*row), {});
  if (lane->queue->SendsBatches()) return EnqueueBatched(*lane, row);
  if (!lane->queue->TakesNewHead(parts_.clock.Now())) return lane->queue->AddReady(*lane);
  lane->body = row;
  lane->queue->AddLoaded(*lane);
}

bool Dispatcher::TryNow(const SpoolRowPtr& row) {
  Lane* found = lanes_.Find(row->lane);
  if (found == nullptr) return false;
  EndpointQueue& queue = *found->queue;
  Lane& lane = lanes_.Get(queue, found->key);
  const MonoTime now = parts_.clock.Now();
  const bool idle = lane.state == Lane::State::kIdle;
  const std::string& method = row->event->method;
  // Where others wait ahead there is never a connection free: it waits among them.
  const auto may_go = [&] {
    const Permit permit = queue.gate.Ask(method, now);
    return permit == Permit::kGo ||
           (permit == Permit::kWait && queue.gate.MayWaitAhead(method, now));
  };
  if (!idle || dispatch_stopped_ || !queue.Sends() || !may_go()) {
    queue.shed.Add();
    if (idle) lanes_.Rest(lane, now);
    return false;
  }
  ++unsettled_;
  SetHead(lane, AsWaiting(*row), {});
  lane.ephemeral = true;
  lane.body = row;
  OpenAttempt({.lane = &lane, .permit = Permit::kGo}, now);
  return true;
}

// Full: over its quota, until an eighth of it is free.
void Dispatcher::KeepQuota(EndpointQueue& queue) {
  const size_t quota = queue.today == nullptr ? 0 : queue.today->quota_bytes;
  const auto used = [&queue] {
    return queue.bytes - std::min(queue.bytes, queue.outdated_bytes + queue.replayed_bytes);
  };
  queue.is_full = quota != 0 && used() > (queue.is_full ? quota - quota / 8 : quota);
  if (!queue.is_full) return;
  if (!queue.today->block_when_full) {
    while (used() > quota && ShedOne(queue)) {
    }
  }
  if (!std::exchange(queue.over_quota, true)) parts_.outcomes.OnEndpoint(queue);
}

// Where engines wait for a route, they go on as soon as it has room.
void Dispatcher::KeepQuotas() {
  for (auto& [name, queue] : queues_) {
    if (queue.is_full) KeepQuota(queue);
  }
}

// The oldest one behind a head; where there is none, a head that was not called yet.
bool Dispatcher::ShedOne(EndpointQueue& queue) {
  if (std::optional<Waiting> oldest = backlog_.Shed(queue.sheddable)) {
    Discard(queue, *oldest, Settlement::Outcome::kShed);
    return true;
  }
  Lane* lane = queue.TakeSheddable();
  if (lane == nullptr) return false;
  Discard(queue, lane->head, Settlement::Outcome::kShed);
  Advance(*lane, parts_.clock.Now());
  return true;
}

}  // namespace tallybus
