// The queue of one client.
#include "transports/web/watcher.h"

#include <algorithm>
#include <utility>

#include "transports/web/tallybus_v1.h"

namespace tallybus {
namespace {

// So many entries that were told stay in front before the others move up.
constexpr size_t kTold = 64;

bool FitsAny(const ClientMessage& message, const std::vector<WatchKey>& keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const WatchKey& key) { return message.Fits(key); });
}

}  // namespace

bool Watcher::HasRoom(size_t bytes) const {
  if (events_ == 0) return true;
  if (gap_ && (events_ > limits_.events / 2 || bytes_ > limits_.bytes / 2)) return false;
  return events_ < limits_.events && bytes_ + bytes <= limits_.bytes;
}

Watcher::Offered Watcher::Offer(const ClientMessagePtr& message) {
  const size_t bytes = message->Bytes();
  if (!HasRoom(bytes)) {
    const bool began = !gap_;
    if (began) gap_ = Gap{};
    ++gap_->missed;
    return began ? Offered::kGapBegan : Offered::kDropped;
  }
  PutGap();
  Put(message);
  ++events_;
  bytes_ += bytes;
  return Offered::kQueued;
}

void Watcher::Miss() {
  if (!gap_) gap_ = Gap{};
  gap_->unknown = true;
}

void Watcher::Tell(SnapshotPtr snapshot) {
  PutGap();
  Put(Piecewise{std::move(snapshot), 0});
  ++states_;
}

void Watcher::Resume(std::unique_ptr<Replay> replay) {
  PutGap();
  Put(Resumed{});
  Put(std::move(replay));
  ++states_;
}

void Watcher::Put(Entry entry) { queue_.push_back(std::move(entry)); }

void Watcher::PutGap() {
  if (gap_) Put(*std::exchange(gap_, std::nullopt));
}

void Watcher::Drop() {
  queue_ = std::vector<Entry>();
  head_ = events_ = bytes_ = states_ = 0;
  gap_.reset();
}

void Watcher::Pop() {
  queue_[head_++] = Gap{};
  if (head_ == queue_.size()) {
    queue_ = std::vector<Entry>();
    head_ = 0;
  } else if (head_ >= kTold) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

std::optional<Outgoing> Watcher::Next(const ReplayRing& ring) {
  while (head_ < queue_.size()) {
    Entry& entry = queue_[head_];
    if (auto* replay = std::get_if<std::unique_ptr<Replay>>(&entry)) {
      if (std::optional<Outgoing> next = TellReplay(**replay, ring)) return next;
      --states_;
      Pop();
      continue;
    }
    if (auto* state = std::get_if<Piecewise>(&entry)) {
      Outgoing piece = TellPiece(*state);
      if (state->next == state->snapshot->size()) {
        --states_;
        Pop();
      }
      return piece;
    }
    Outgoing told;
    if (auto* message = std::get_if<ClientMessagePtr>(&entry)) {
      --events_;
      bytes_ -= (*message)->Bytes();
      told = TellEvent(*message);
    } else if (auto* gap = std::get_if<Gap>(&entry)) {
      told = TellGap(*gap);
    } else {
      told = TellText("Resumed", tallybus_v1::ResumedTail());
    }
    Pop();
    return told;
  }
  if (!gap_) return std::nullopt;
  return TellGap(*std::exchange(gap_, std::nullopt));
}

Outgoing Watcher::TellEvent(const ClientMessagePtr& message) {
  return {++sequence_, message->name, message->id, message->tail, message};
}

Outgoing Watcher::TellText(std::string_view name, std::string text) const {
  auto owner = std::make_shared<const std::string>(std::move(text));
  return {sequence_, name, {}, *owner, owner};
}

// The sequence counts what was missed too, where it is known.
Outgoing Watcher::TellGap(const Gap& gap) {
  sequence_ += gap.missed;
  return TellText("Gap",
                  tallybus_v1::GapTail(gap.unknown ? std::nullopt : std::optional(gap.missed)));
}

Outgoing Watcher::TellPiece(Piecewise& state) {
  return {sequence_, "Snapshot", {}, (*state.snapshot)[state.next++], state.snapshot};
}

std::optional<Outgoing> Watcher::TellReplay(Replay& replay, const ReplayRing& ring) {
  if (replay.next < ring.first() && replay.next < replay.end) {
    replay.next = std::min(ring.first(), replay.end);  // the ring went on faster than the client
    return TellGap({0, true});
  }
  while (replay.next < replay.end) {
    const ClientMessagePtr& message = ring.At(replay.next++);
    if (FitsAny(*message, replay.wanted) && !FitsAny(*message, replay.had) &&
        replay.permissions->LetThrough(*message)) {
      return TellEvent(message);
    }
  }
  return std::nullopt;
}

}  // namespace tallybus
