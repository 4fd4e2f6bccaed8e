// Lanes live in three lists, so that the longest idle ones are found without a search.
#include "delivery/lane.h"

#include <algorithm>

namespace tallybus {
namespace {

constexpr absl::Duration kKeepEnded = absl::Hours(1);
constexpr absl::Duration kKeepResting = absl::Hours(24);

}  // namespace

Lane& LaneTable::Make(EndpointQueue& queue, std::string_view key, LaneId id) {
  busy_.emplace_back();
  Lane& lane = busy_.back();
  lane.id = id;
  lane.key = key;
  lane.queue = &queue;
  last_id_ = std::max(last_id_, id);
  by_key_.emplace(Key(&queue, lane.key), std::prev(busy_.end()));
  by_id_.emplace(id, std::prev(busy_.end()));
  return lane;
}

Lane& LaneTable::Get(EndpointQueue& queue, std::string_view key) {
  auto found = by_key_.find(Key(&queue, absl::string_view(key.data(), key.size())));
  if (found == by_key_.end()) return Make(queue, key, last_id_ + 1);
  CallBack(found->second);
  return *found->second;
}

Lane& LaneTable::Restore(EndpointQueue& queue, const LaneRecord& record, MonoTime now) {
  Lane& lane = Make(queue, record.key, record.id);
  lane.next_sequence = record.last_sequence + 1;
  lane.ended = record.ended;
  Rest(lane, now);
  return lane;
}

// From whichever list it rests in: splice needs the list only for its size.
void LaneTable::CallBack(Lanes::iterator lane) {
  if (lane->idle_since == MonoTime()) return;
  busy_.splice(busy_.end(), lane->ended ? ended_ : resting_, lane);
  lane->idle_since = MonoTime();
}

Lane* LaneTable::Find(const EndpointQueue& queue, std::string_view key) {
  auto found = by_key_.find(Key(&queue, absl::string_view(key.data(), key.size())));
  return found == by_key_.end() ? nullptr : &*found->second;
}

Lane* LaneTable::Find(LaneId id) {
  auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &*found->second;
}

Lane& LaneTable::Stray(Lane& home) {
  busy_.emplace_back();
  Lane& stray = busy_.back();
  // In the table by its number alone, which no row names.
  stray.id = ++last_id_;
  by_id_.emplace(stray.id, std::prev(busy_.end()));
  stray.key = home.key;
  stray.queue = home.queue;
  stray.stray = true;
  stray.home = &home;
  ++home.passed;
  return stray;
}

void LaneTable::Rest(Lane& lane, MonoTime now) {
  lane.state = Lane::State::kIdle;
  auto at = by_id_.at(lane.id);
  if (lane.stray) {
    --lane.home->passed;
    by_id_.erase(lane.id);
    busy_.erase(at);
    return;
  }
  if (lane.placed > 0) return;
  // An hour of the clock's own zero would pass for a lane that is called back.
  lane.idle_since = std::max(now, MonoTime() + absl::Nanoseconds(1));
  Lanes& to = lane.ended ? ended_ : resting_;
  to.splice(to.end(), busy_, at);
}

void LaneTable::PruneList(Lanes& lanes, MonoTime before, std::vector<LaneId>* forgotten) {
  while (!lanes.empty() && lanes.front().idle_since < before && lanes.front().passed == 0) {
    const Lane& lane = lanes.front();
    forgotten->push_back(lane.id);
    by_key_.erase(Key(lane.queue, lane.key));
    by_id_.erase(lane.id);
    lanes.pop_front();
  }
}

std::vector<LaneId> LaneTable::Prune(MonoTime now) {
  std::vector<LaneId> forgotten;
  PruneList(ended_, now + -kKeepEnded, &forgotten);
  PruneList(resting_, now + -kKeepResting, &forgotten);
  return forgotten;
}

}  // namespace tallybus
