// Lanes live in three lists, so that the longest idle ones are found without a search.
#include "delivery/lane.h"

#include <absl/strings/str_cat.h>

namespace tallybus {
namespace {

constexpr absl::Duration kKeepEnded = absl::Hours(1);
constexpr absl::Duration kKeepResting = absl::Hours(24);

std::string KeyOf(const EndpointQueue& queue, std::string_view lane) {
  return absl::StrCat(queue.route, " ", absl::string_view(lane.data(), lane.size()));
}

}  // namespace

Lane& LaneTable::Get(EndpointQueue& queue, std::string_view lane) {
  std::string key = KeyOf(queue, lane);
  auto [found, is_new] = by_key_.try_emplace(key);
  if (is_new) {
    busy_.emplace_back();
    busy_.back().key = std::move(key);
    busy_.back().queue = &queue;
    found->second = std::prev(busy_.end());
    return busy_.back();
  }
  Lane& known = *found->second;
  if (known.state == Lane::State::kIdle) {
    // From whichever list it rests in: splice needs the list only for its size.
    Lanes& from = known.idle_since == MonoTime() ? busy_ : known.ended ? ended_ : resting_;
    busy_.splice(busy_.end(), from, found->second);
    known.idle_since = MonoTime();
  }
  return known;
}

Lane* LaneTable::Find(const EndpointQueue& queue, std::string_view lane) {
  auto found = by_key_.find(KeyOf(queue, lane));
  return found == by_key_.end() ? nullptr : &*found->second;
}

void LaneTable::PushWaiting(Lane& lane, SpoolSeq seq) {
  uint32_t index = free_waiting_;
  if (index == Lane::kNone) {
    index = static_cast<uint32_t>(waiting_.size());
    waiting_.emplace_back();
  } else {
    free_waiting_ = waiting_[index].next;
  }
  waiting_[index] = {seq, Lane::kNone};
  if (lane.last_waiting == Lane::kNone) {
    lane.first_waiting = index;
  } else {
    waiting_[lane.last_waiting].next = index;
  }
  lane.last_waiting = index;
}

SpoolSeq LaneTable::PopWaiting(Lane& lane) {
  const uint32_t index = lane.first_waiting;
  if (index == Lane::kNone) return 0;
  WaitingRow& row = waiting_[index];
  lane.first_waiting = row.next;
  if (row.next == Lane::kNone) lane.last_waiting = Lane::kNone;
  row.next = free_waiting_;
  free_waiting_ = index;
  return row.seq;
}

void LaneTable::Rest(Lane& lane, MonoTime now) {
  lane.state = Lane::State::kIdle;
  lane.idle_since = now;
  Lanes& to = lane.ended ? ended_ : resting_;
  to.splice(to.end(), busy_, by_key_.at(lane.key));
}

void LaneTable::PruneList(Lanes& lanes, MonoTime before) {
  while (!lanes.empty() && lanes.front().idle_since < before) {
    by_key_.erase(lanes.front().key);
    lanes.pop_front();
  }
}

void LaneTable::Prune(MonoTime now) {
  PruneList(ended_, now + -kKeepEnded);
  PruneList(resting_, now + -kKeepResting);
}

}  // namespace tallybus
