// Two queues of plain records, events and their ways, each with an index of what is still asked
// for.
#include "flight_recorder.h"

#include <algorithm>

#include "kept_text.h"

namespace tallybus {
namespace {

constexpr size_t kMallocOverhead = 16;

}  // namespace

FlightRecorder::~FlightRecorder() = default;

uint64_t FlightRecorder::Open(const Event& event, absl::Time now) {
  if (events_.size() == kMaxEvents) ForgetOldestEvent();
  const uint64_t same = Newest(event.id);
  if (same != 0) RecordAt(same).has_later = true;
  Record& record = events_.emplace_back();
  const uint64_t number = first_event_ + events_.size() - 1;
  by_id_.Add(event.id, number, same);
  record.id = event.id;
  record.time = absl::ToUnixMicros(event.time);
  record.accepted = Micros(now);
  record.from_router = event.from_router;
  const std::array<std::string_view, kTexts> texts = {event.name,       event.media_session_id,
                                                      event.session_id, event.app_key,
                                                      event.method,     event.status};
  size_t bytes = 0;
  for (size_t i = 0; i < kTexts; ++i) {
    record.lengths[i] = KeptLength(texts[i]);
    bytes += KeptBytes(record.lengths[i]);
  }
  char* to = texts_.emplace_back(bytes);
  record.text = to;
  for (std::string_view text : texts) to = KeepText(text, to);
  return number;
}

void FlightRecorder::Accepted(const Event& event, absl::Time now) { Open(event, now); }

void FlightRecorder::ForgetOldestEvent() {
  Record& record = events_.front();
  for (uint64_t way = Known(record.last_way); way != 0; way = Before(way)) {
    Release(WayAt(way), way);
  }
  by_id_.ForgetOldest();
  texts_.pop_front();
  events_.pop_front();
  ++first_event_;
  while (!ways_.empty() && ways_.front().forgotten) {
    ways_.pop_front();
    ++first_way_;
  }
  by_row_.ForgetBefore(first_way_);
}

void FlightRecorder::ForgetOldestWay() {
  Way& way = ways_.front();
  if (!way.forgotten) {
    RecordOf(way).ways_forgotten = true;
    Release(way, first_way_);
  }
  ways_.pop_front();
  ++first_way_;
  by_row_.ForgetBefore(first_way_);
}

void FlightRecorder::Release(Way& way, uint64_t number) {
  words_.Release(way.route);
  if (way.trouble != 0) {
    for (Word word : troubles_[way.trouble].words) words_.Release(word);
    troubles_.Remove(way.trouble);
  }
  by_row_.Forget(way.row, number);
  way.forgotten = true;
}

const FlightRecorder::Way* FlightRecorder::WayOf(uint64_t row) const {
  const uint64_t number = by_row_.Find(row);
  if (number < first_way_ || number - first_way_ >= ways_.size()) return nullptr;
  const Way& way = ways_[number - first_way_];
  return way.row == row && !way.forgotten ? &way : nullptr;
}

FlightRecorder::Way* FlightRecorder::WayOf(uint64_t row) {
  return const_cast<Way*>(std::as_const(*this).WayOf(row));
}

void FlightRecorder::ToClients(const EventId& id, ClientOutcome outcome, absl::Time now) {
  const uint64_t number = NumberOf(id);
  if (number == 0) return;
  Record& record = RecordAt(number);
  record.clients = outcome;
  record.clients_at = Micros(now);
}

FlightRecorder::Way& FlightRecorder::AddWay(uint64_t event, std::string_view route,
                                            absl::Time now) {
  if (ways_.size() == kMaxWays) ForgetOldestWay();
  Way& way = ways_.emplace_back();
  Record& record = RecordAt(event);
  const uint64_t number = first_way_ + ways_.size() - 1;
  way.event = static_cast<uint32_t>(event);
  if (Known(record.last_way) != 0) way.back = static_cast<uint32_t>(number - record.last_way);
  record.last_way = number;
  way.route = words_.Take(route);
  way.begun = Micros(now);
  return way;
}

void FlightRecorder::NotSent(const EventId& id, std::string_view route_or_app, NotSentReason reason,
                             absl::Time now) {
  const uint64_t number = NumberOf(id);
  if (number != 0) AddWay(number, route_or_app, now).not_sent = reason;
}

void FlightRecorder::AddRow(uint64_t event, const TracedRow& row, absl::Time now, bool resumed) {
  Way& way = AddWay(event, row.route, now);
  way.row = row.row;
  way.lane = TextHash(row.lane);
  way.lane_sequence = row.lane_sequence;
  way.resumed = resumed;
  way.replayed = row.replayed;
  by_row_.Add(row.row, RecordAt(event).last_way);
}

void FlightRecorder::Spooled(const EventId& id, const TracedRow& row, absl::Time now) {
  const uint64_t number = NumberOf(id);
  if (number != 0) AddRow(number, row, now, false);
}

void FlightRecorder::Resumed(const Event& event, const TracedRow& row, absl::Time now) {
  if (WayOf(row.row) == nullptr) AddRow(Reopen(event, row.accepted), row, now, true);
}

void FlightRecorder::Replayed(const Event& event, TracedRow row, absl::Time now) {
  row.replayed = true;
  AddRow(Reopen(event, row.accepted), row, now, false);
}

// The record of an event that another process may have accepted.
uint64_t FlightRecorder::Reopen(const Event& event, absl::Time accepted) {
  if (const uint64_t known = NumberOf(event.id); known != 0) return known;
  const uint64_t number = Open(event, accepted);
  RecordAt(number).resumed = true;
  return number;
}

void FlightRecorder::Attempted(uint64_t row, int attempt, absl::Time now) {
  Way* way = WayOf(row);
  if (way == nullptr) return;
  way->settled = kNever;
  if (attempt == 1 && way->attempted == kNever && way->trouble == 0) {
    way->attempted = Micros(now);
    return;
  }
  Trouble& trouble = TroubleOf(*way);
  SetWord(trouble, kLastInfo, "");
  SetWord(trouble, kWhy, "");
  trouble.last = Attempt{.begun = Micros(now), .number = attempt};
  if (trouble.first.number == 0) trouble.first = trouble.last;
  trouble.next_attempt = kNever;
}

FlightRecorder::Trouble FlightRecorder::TroubleOf(const Way& way) const {
  if (way.trouble != 0) return troubles_[way.trouble];
  Trouble none;
  if (way.attempted != kNever) none.first = none.last = {.begun = way.attempted, .number = 1};
  return none;
}

FlightRecorder::Trouble& FlightRecorder::TroubleOf(Way& way) {
  if (way.trouble == 0) {
    const Trouble before = TroubleOf(std::as_const(way));
    way.trouble = troubles_.Add();
    troubles_[way.trouble] = before;
  }
  return troubles_[way.trouble];
}

void FlightRecorder::SetWord(Trouble& trouble, TroubleWord which, std::string_view text) {
  words_.Release(std::exchange(trouble.words[which], words_.Take(text)));
}

void FlightRecorder::Failed(uint64_t row, const AttemptFailure& failure, absl::Time now) {
  Way* way = WayOf(row);
  if (way == nullptr) return;
  if (TroubleOf(*way).last.number != failure.attempt) Attempted(row, failure.attempt, now);
  Trouble& trouble = TroubleOf(*way);
  trouble.last.failed = Micros(now);
  trouble.last.http_status = static_cast<int16_t>(std::clamp(failure.http_status, 0, 999));
  SetWord(trouble, kLastInfo, failure.info);
  if (trouble.first.number == failure.attempt) {
    trouble.first = trouble.last;
    SetWord(trouble, kFirstInfo, failure.info);
  }
  if (failure.next_attempt != absl::InfinitePast()) {
    trouble.next_attempt = absl::ToUnixMicros(failure.next_attempt);
  }
}

void FlightRecorder::Buried(uint64_t row, std::string_view why) {
  if (Way* way = WayOf(row)) SetWord(TroubleOf(*way), kWhy, why);
}

void FlightRecorder::Settled(uint64_t row, Fate fate, absl::Time now) {
  Way* way = WayOf(row);
  if (way == nullptr) return;
  way->fate = fate;
  way->settled = Micros(now);
  if (way->trouble != 0) troubles_[way->trouble].next_attempt = kNever;
}

// The route whose last change is the longest ago goes: what is rarely asked for.
void FlightRecorder::MakeRoomForRoute() {
  if (endpoints_.size() < kMaxRoutes) return;
  auto oldest = std::min_element(
      endpoints_.begin(), endpoints_.end(),
      [](const auto& a, const auto& b) { return a.second.back().at < b.second.back().at; });
  for (const Change& change : oldest->second) words_.Release(change.reason);
  endpoints_.erase(oldest);
}

void FlightRecorder::EndpointChanged(std::string_view route, EndpointState state,
                                     std::string_view reason, absl::Time now) {
  // Routes are told apart as their ways show them.
  const Word word = words_.Take(route);
  const std::string key(words_.Text(word));
  words_.Release(word);
  auto found = endpoints_.find(key);
  const EndpointState before =
      found == endpoints_.end() ? EndpointState::kOpenForBusiness : found->second.back().state;
  if (before == state) return;
  if (found == endpoints_.end()) {
    MakeRoomForRoute();
    found = endpoints_.try_emplace(key).first;
  }
  std::vector<Change>& changes = found->second;
  if (changes.size() == kMaxEndpointChanges) {
    words_.Release(changes.front().reason);
    changes.erase(changes.begin());
  }
  changes.push_back({absl::ToUnixMicros(now), state, words_.Take(reason)});
}

size_t FlightRecorder::MemoryBytes() const {
  size_t bytes = events_.MemoryBytes() + ways_.MemoryBytes() + troubles_.MemoryBytes();
  bytes += texts_.MemoryBytes() + words_.MemoryBytes();
  bytes += by_id_.MemoryBytes() + by_row_.MemoryBytes();
  bytes += endpoints_.capacity() * (sizeof(std::string) + sizeof(std::vector<Change>) + 1);
  for (const auto& [route, changes] : endpoints_) {
    bytes += changes.capacity() * sizeof(Change) + kKeptTextBytes + kMallocOverhead;
  }
  return bytes;
}

}  // namespace tallybus
