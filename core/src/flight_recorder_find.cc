// What is asked of the flight recorder: events by their id or a name, and how they fared.
#include <absl/strings/numbers.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "flight_recorder.h"
#include "kept_text.h"

namespace tallybus {
namespace {

absl::string_view AbslView(std::string_view text) { return {text.data(), text.size()}; }

absl::Time TimeOf(int64_t micros) {
  return micros == INT64_MIN ? absl::InfinitePast() : absl::FromUnixMicros(micros);
}

std::optional<EventId> ParseId(std::string_view text) {
  if (text.size() < 18 || text[16] != '-') return std::nullopt;
  EventId id;
  if (!absl::SimpleHexAtoi(AbslView(text.substr(0, 16)), &id.epoch)) return std::nullopt;
  if (!absl::SimpleAtoi(AbslView(text.substr(17)), &id.sequence)) return std::nullopt;
  // Only what an id prints as: neither signs, spaces nor capitals.
  return id.ToString() == text ? std::optional(id) : std::nullopt;
}

}  // namespace

std::vector<const FlightRecorder::Record*> FlightRecorder::Matching(std::string_view wanted,
                                                                    size_t limit,
                                                                    size_t* left_out) const {
  std::vector<const Record*> found;
  const std::optional<EventId> id = ParseId(wanted);
  if (const uint64_t number = id ? NumberOf(*id) : 0; number != 0 && limit > 0) {
    return {&events_[number - first_event_]};
  }
  char kept[kKeptTextBytes];
  KeepText(wanted, kept);
  const uint8_t length = KeptLength(wanted);
  if (length == 0) return found;
  for (size_t i = events_.size(); i-- > 0;) {
    const char* text = events_[i].text;
    for (Text which : {kName, kMediaSession, kSession}) {
      const uint8_t had = events_[i].lengths[which];
      if (had == length && std::memcmp(text, kept, KeptBytes(length)) == 0) {
        if (found.size() < limit)
          found.push_back(&events_[i]);
        else
          ++*left_out;
        break;
      }
      text += KeptBytes(had);
    }
  }
  std::reverse(found.begin(), found.end());
  return found;
}

Trace FlightRecorder::Find(std::string_view id_or_name, size_t limit) const {
  Trace trace;
  for (const Record* record : Matching(id_or_name, limit, &trace.left_out)) {
    trace.events.push_back(Describe(*record));
  }
  AddEndpointChanges(&trace);
  return trace;
}

TracedAttempt FlightRecorder::LastFailure(uint64_t row) const {
  const Way* way = WayOf(row);
  if (way == nullptr) return {};
  const Trouble trouble = TroubleOf(*way);
  if (trouble.last.failed != kNever) return Describe(trouble.last, trouble.words[kLastInfo]);
  // One that is in flight has told nothing yet; of those before it the first is kept.
  if (trouble.first.failed != kNever) return Describe(trouble.first, trouble.words[kFirstInfo]);
  return {};
}

TracedEvent FlightRecorder::Describe(const Record& record) const {
  TracedEvent event;
  event.id = record.id;
  const char* text = record.text;
  const std::array<std::string*, kTexts> texts = {&event.name,       &event.media_session_id,
                                                  &event.session_id, &event.app_key,
                                                  &event.method,     &event.status};
  for (size_t i = 0; i < kTexts; ++i) {
    *texts[i] = ShownText(text, record.lengths[i]);
    text += KeptBytes(record.lengths[i]);
  }
  event.from_router = record.from_router;
  event.resumed = record.resumed;
  event.time = TimeOf(record.time);
  event.accepted = TimeOf(record.accepted);
  if (record.clients_at != kNever) event.clients = record.clients;
  event.clients_at = TimeOf(record.clients_at);
  event.routes_forgotten = record.ways_forgotten;
  for (uint64_t way = Known(record.last_way); way != 0; way = Before(way)) {
    event.routes.push_back(Describe(ways_[way - first_way_]));
  }
  std::reverse(event.routes.begin(), event.routes.end());
  return event;
}

TracedAttempt FlightRecorder::Describe(const Attempt& attempt, Word info) const {
  return {.number = attempt.number,
          .begun = TimeOf(attempt.begun),
          .failed = TimeOf(attempt.failed),
          .http_status = attempt.http_status,
          .info = std::string(words_.Text(info))};
}

TracedRoute FlightRecorder::Describe(const Way& way) const {
  const Trouble trouble = TroubleOf(way);
  return {.route = std::string(words_.Text(way.route)),
          .not_sent = way.row == 0 ? std::optional(way.not_sent) : std::nullopt,
          .row = way.row,
          .lane = way.lane,
          .lane_sequence = way.lane_sequence,
          .begun = TimeOf(way.begun),
          .resumed = way.resumed,
          .replayed = way.replayed,
          .first = Describe(trouble.first, trouble.words[kFirstInfo]),
          .last = Describe(trouble.last, trouble.words[kLastInfo]),
          .next_attempt = TimeOf(trouble.next_attempt),
          .fate = way.settled == kNever ? std::nullopt : std::optional(way.fate),
          .settled = TimeOf(way.settled),
          .why = std::string(words_.Text(trouble.words[kWhy]))};
}

// Of each route: the state that its first event met, and what changed until its last was settled.
void FlightRecorder::AddEndpointChanges(Trace* trace) const {
  absl::flat_hash_map<std::string, std::pair<absl::Time, absl::Time>> under_way;
  for (const TracedEvent& event : trace->events) {
    for (const TracedRoute& way : event.routes) {
      if (way.not_sent) continue;
      auto& [from, until] =
          under_way.try_emplace(way.route, way.begun, absl::InfinitePast()).first->second;
      from = std::min(from, way.begun);
      until = std::max(until, way.fate ? way.settled : absl::InfiniteFuture());
    }
  }
  for (const auto& [route, span] : under_way) {
    auto found = endpoints_.find(route);
    if (found == endpoints_.end()) continue;
    const std::vector<Change>& changes = found->second;
    for (size_t i = 0; i < changes.size(); ++i) {
      const bool over = i + 1 < changes.size() && TimeOf(changes[i + 1].at) <= span.first;
      const bool met =
          TimeOf(changes[i].at) > span.first || changes[i].state != EndpointState::kOpenForBusiness;
      if (over || !met || TimeOf(changes[i].at) > span.second) continue;
      trace->endpoints.push_back({TimeOf(changes[i].at), route, changes[i].state,
                                  std::string(words_.Text(changes[i].reason))});
    }
  }
  std::sort(trace->endpoints.begin(), trace->endpoints.end(),
            [](const EndpointChange& a, const EndpointChange& b) {
              return std::tie(a.at, a.route) < std::tie(b.at, b.route);
            });
}

}  // namespace tallybus
