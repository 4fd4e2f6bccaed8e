// A row has no history: of its attempts it has the number, and of a dead letter the last words.
#include "stored_trace.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <utility>

#include "delivery/endpoint_state.h"

namespace tallybus {
namespace {

TracedEvent EventOf(const SpoolRow& row) {
  const Event& event = *row.event;
  TracedEvent traced;
  traced.id = event.id;
  traced.name = event.name;
  traced.media_session_id = event.media_session_id;
  traced.session_id = event.session_id;
  traced.app_key = event.app_key;
  traced.method = event.method;
  traced.status = event.status;
  traced.from_router = event.from_router;
  traced.resumed = true;
  traced.time = event.time;
  traced.accepted = row.accepted;
  return traced;
}

TracedRoute WayOf(const StoredRow& stored) {
  TracedRoute way;
  way.route = stored.route;
  way.row = stored.row->seq;
  way.lane = absl::Hash<std::pair<std::string, std::string>>()({stored.route, stored.lane});
  way.lane_sequence = stored.row->lane_sequence;
  way.begun = stored.row->accepted;
  way.resumed = true;
  way.replayed = stored.row->replays > 0;
  way.last.number = stored.attempts;
  way.last.failed = stored.row->accepted;  // none is in flight that the recorder does not know
  way.last.http_status = stored.http_status;
  way.last.info = stored.reason;
  if (stored.state == StoredRow::State::kWaiting) {
    if (way.last.info.empty()) way.last.info = "what they brought is not known here";
    way.next_attempt = stored.at;
    return way;
  }
  way.fate = Fate::kDelivered;
  if (stored.state == StoredRow::State::kDead) {
    const bool disabled = stored.reason == kEndpointDisabled || stored.http_status == 410;
    way.fate = disabled ? Fate::kGone : Fate::kGivenUp;
  }
  way.settled = stored.at;
  return way;
}

}  // namespace

void AddStored(const StoredRow& stored, Trace* trace) {
  if (stored.row->event == nullptr || stored.row->event->method.empty()) return;
  const SpoolSeq seq = stored.row->seq;
  const EventId& id = stored.row->event->id;
  auto known = std::find_if(trace->events.begin(), trace->events.end(),
                            [&](const TracedEvent& event) { return event.id == id; });
  if (known == trace->events.end()) {
    trace->events.push_back(EventOf(*stored.row));
    known = trace->events.end() - 1;
  }
  std::vector<TracedRoute>& ways = known->routes;
  const auto same = [seq](const TracedRoute& way) { return way.row == seq; };
  if (std::any_of(ways.begin(), ways.end(), same)) return;
  const auto newer = std::find_if(ways.begin(), ways.end(),
                                  [seq](const TracedRoute& way) { return way.row > seq; });
  ways.insert(newer, WayOf(stored));
}

void KeepNewest(size_t most, Trace* trace) {
  std::vector<TracedEvent>& events = trace->events;
  std::stable_sort(events.begin(), events.end(), [](const TracedEvent& a, const TracedEvent& b) {
    return a.accepted < b.accepted;
  });
  if (events.size() <= most) return;
  const size_t over = events.size() - most;
  trace->left_out += over;
  events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(over));
}

}  // namespace tallybus
