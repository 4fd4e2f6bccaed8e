// The place of a row that comes in: its lane and number, what it replaces, what must make room.
#include <functional>
#include <optional>
#include <string_view>

#include "delivery/dispatcher.h"

namespace tallybus {
namespace {

// Never 0: that is what may not be replaced.
size_t KindOf(const Event& event) {
  const std::hash<std::string_view> hash;
  return (hash(event.method) * 31 + hash(event.status)) | 1;
}

}  // namespace

void Dispatcher::Place(const Route& route, std::string_view key, SpoolRow* row, SpoolBatch* batch) {
  EndpointQueue& queue = QueueOf(route.name);
  Lane& lane = lanes_.Get(queue, key);
  row->lane = lane.id;
  row->lane_sequence = lane.next_sequence++;
  if (row->ephemeral) return;
  ++lane.placed;
  if (route.coalesce) Coalesce(lane, row);
  ++queue.rows;
  queue.bytes += row->Bytes();
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

// The newer one takes the place of the last that waits, where both say the same of the same status.
void Dispatcher::Coalesce(Lane& lane, SpoolRow* row) {
  const size_t kind = row->event->terminal ? 0 : KindOf(*row->event);
  if (kind != 0 && kind == lane.last_kind) {
    std::optional<Waiting> older =
        backlog_.TakeLast(lane.waiting, lane.queue->sheddable, lane.last_seq);
    if (older) {
      row->coalesced = lane.last_coalesced + 1;
      Discard(*lane.queue, *older, Settlement::Outcome::kCoalesced);
    }
  }
  lane.last_seq = row->seq;
  lane.last_kind = kind;
  lane.last_coalesced = row->coalesced;
}

void Dispatcher::KeepQuota(EndpointQueue& queue) {
  const size_t quota = queue.today == nullptr ? 0 : queue.today->quota_bytes;
  const bool was_over = queue.over_quota;
  // What is shed makes room for no more than what came: the trouble is over when there is some.
  queue.over_quota = quota != 0 && queue.bytes > (was_over ? quota - quota / 8 : quota);
  if (queue.over_quota && !queue.today->block_when_full) {
    while (queue.bytes > quota && ShedOne(queue)) {
    }
  }
  if (queue.over_quota != was_over) parts_.outcomes.OnEndpoint(queue);
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
