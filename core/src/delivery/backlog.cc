// Indices instead of pointers: half the size.
#include "delivery/backlog.h"

#include <algorithm>

namespace tallybus {
namespace {

constexpr uint32_t kMostBytes = (1u << 27) - 1;

}  // namespace

Waiting AsWaiting(const SpoolRow& row) {
  return {.seq = row.seq,
          .bytes = static_cast<uint32_t>(row.Bytes()),
          .accepted_s = static_cast<uint32_t>(absl::ToUnixSeconds(row.accepted)),
          .terminal = row.event->terminal,
          .may_have_arrived = row.replays > 0,
          .replayed = row.replays > 0};
}

Waiting Backlog::ValueOf(const Entry& entry) const {
  return {.seq = entry.seq,
          .bytes = entry.bytes,
          .accepted_s = entry.accepted_s,
          .terminal = entry.terminal != 0,
          .may_have_arrived = entry.may_have_arrived != 0,
          .replayed = entry.replayed != 0};
}

uint32_t Backlog::NewEntry(const Waiting& row) {
  uint32_t index = free_;
  if (index == kNone) {
    index = static_cast<uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    free_ = entries_[index].next;
  }
  entries_[index] = {.seq = row.seq,
                     .next = kNone,
                     .older = kNone,
                     .newer = kNone,
                     .accepted_s = row.accepted_s,
                     .bytes = std::min(row.bytes, kMostBytes) & kMostBytes,
                     .terminal = row.terminal,
                     .may_have_arrived = row.may_have_arrived,
                     .replayed = row.replayed,
                     .taken = false};
  ++size_;
  return index;
}

void Backlog::Push(Line& line, Sheddable& route, const Waiting& row) {
  const uint32_t index = NewEntry(row);
  if (line.last == kNone) {
    line.first = index;
  } else {
    entries_[line.last].next = index;
  }
  line.last = index;
  if (row.terminal || row.replayed) return;
  entries_[index].older = route.newest;
  if (route.newest == kNone) {
    route.oldest = index;
  } else {
    entries_[route.newest].newer = index;
  }
  route.newest = index;
}

void Backlog::PushFront(Line& line, Sheddable& route, const Waiting& row) {
  const uint32_t index = NewEntry(row);
  entries_[index].next = line.first;
  line.first = index;
  if (line.last == kNone) line.last = index;
  if (row.terminal || row.replayed) return;
  entries_[index].newer = route.oldest;
  (route.oldest == kNone ? route.newest : entries_[route.oldest].older) = index;
  route.oldest = index;
}

std::optional<Waiting> Backlog::Pop(Line& line, Sheddable& route, size_t most_bytes,
                                    SpoolSeq through) {
  while (line.first != kNone) {
    const uint32_t index = line.first;
    const Entry entry = entries_[index];
    const bool fits = entry.bytes <= most_bytes && entry.seq <= through;
    if (entry.taken == 0 && !fits) return std::nullopt;
    line.first = entry.next;
    if (line.first == kNone) line.last = kNone;
    Free(index);
    if (entry.taken != 0) {
      --taken_;
      continue;
    }
    Unlink(route, index);
    --size_;
    return ValueOf(entry);
  }
  return std::nullopt;
}

std::optional<Waiting> Backlog::TakeLast(Line& line, Sheddable& route, SpoolSeq seq) {
  if (line.last == kNone) return std::nullopt;
  Entry& entry = entries_[line.last];
  if (entry.seq != seq || entry.taken != 0) return std::nullopt;
  Unlink(route, line.last);
  entry.taken = true;
  --size_;
  ++taken_;
  return ValueOf(entry);
}

std::optional<Waiting> Backlog::Shed(Sheddable& route) {
  const uint32_t index = route.oldest;
  if (index == kNone) return std::nullopt;
  Unlink(route, index);
  entries_[index].taken = true;
  --size_;
  ++taken_;
  return ValueOf(entries_[index]);
}

void Backlog::Compact(Line& line) {
  Line kept;
  for (uint32_t index = line.first; index != kNone;) {
    Entry& entry = entries_[index];
    const uint32_t next = entry.next;
    if (entry.taken != 0) {
      Free(index);
      --taken_;
    } else {
      entry.next = kNone;
      (kept.last == kNone ? kept.first : entries_[kept.last].next) = index;
      kept.last = index;
    }
    index = next;
  }
  line = kept;
}

void Backlog::Unlink(Sheddable& route, uint32_t index) {
  Entry& entry = entries_[index];
  if (entry.terminal != 0 || entry.replayed != 0) return;
  (entry.older == kNone ? route.oldest : entries_[entry.older].newer) = entry.newer;
  (entry.newer == kNone ? route.newest : entries_[entry.newer].older) = entry.older;
  entry.older = entry.newer = kNone;
}

void Backlog::Free(uint32_t index) {
  entries_[index].next = free_;
  free_ = index;
}

}  // namespace tallybus
