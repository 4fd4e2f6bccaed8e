// The gate's state, the queue's counts and the router's last words of it, put together.
#include "endpoint_report.h"

#include <absl/strings/str_cat.h>

#include <string>

namespace tallybus {

absl::Time WallOf(const Clock& clock, MonoTime time) {
  return clock.WallNow() + (time - clock.Now());
}

namespace {

// Of several endpoints, the one that an event waits for: one that is well, else the next to be
// tried.
size_t NextOf(const EndpointQueue& queue, MonoTime now) {
  size_t next = 0;
  std::optional<MonoTime> due;
  for (size_t i = 0; i < queue.gate.size(); ++i) {
    const EndpointSnapshot snapshot = queue.gate[i].Snapshot(now);
    if (snapshot.state == EndpointSnapshot::State::kReady) return i;
    if (!snapshot.next_try || (due && *due <= *snapshot.next_try)) continue;
    due = snapshot.next_try;
    next = i;
  }
  return next;
}

EndpointStatus StatusOf(const Router::Line& line, const EndpointQueue& queue) {
  return StatusOf(line, queue, NextOf(queue, line.parts.clock.Now()));
}

}  // namespace

bool Decided(const EndpointQueue& queue) {
  return queue.gate.decided() != EndpointDecision::State::kOpen;
}

EndpointStatus StatusOf(const Router::Line& line, const EndpointQueue& queue, size_t place) {
  const EndpointSnapshot snapshot = queue.gate[place].Snapshot(line.parts.clock.Now());
  EndpointStatus status;
  status.route = queue.gate.NameOf(queue.route, place);
  status.state = StateWord(snapshot.state);
  status.reason = snapshot.reason;
  status.author = snapshot.author;
  if (snapshot.since != MonoTime()) status.since = WallOf(line.parts.clock, snapshot.since);
  if (snapshot.next_try) status.next_try = WallOf(line.parts.clock, *snapshot.next_try);
  status.breaker = snapshot.breaker;
  if (auto failed = line.last_errors.find(queue.route); failed != line.last_errors.end()) {
    status.last_error = failed->second.words;
    status.last_error_at = failed->second.at;
  }
  status.limit = snapshot.limit;
  status.in_flight = snapshot.in_flight;
  status.waiting = queue.rows;
  status.bytes = queue.bytes;
  if (queue.Sends()) {
    status.url = queue.today->endpoint_at(place).url;
    status.quota_bytes = queue.today->quota_bytes;
  } else if (queue.Rehearses()) {
    status.state = "dry run";
  } else if (!Decided(queue)) {
    status.state = line.parts.offline ? "stopped" : "not configured";
  } else if (!line.parts.offline) {
    status.state += ", not configured";
  }
  for (const EndpointSnapshot::HeldMethod& held : snapshot.held_methods) {
    status.held_methods.push_back({held.method, held.code, WallOf(line.parts.clock, held.since),
                                   WallOf(line.parts.clock, held.next_probe), held.reason});
  }
  return status;
}

RouteNow NowOf(const Router::Line& line, const EndpointQueue& queue) {
  const EndpointStatus status = StatusOf(line, queue);
  RouteNow now;
  now.route = queue.route;
  now.configured = queue.Sends() || line.parts.offline;
  if (status.state != StateWord(EndpointSnapshot::State::kReady) &&
      status.next_try != absl::InfiniteFuture())
    now.next_try = status.next_try;
  now.held_methods = status.held_methods;
  return now;
}

// The endpoint's state goes before the row's own failure: it is what holds the row up now.
void SayWhyItWaits(const Router::Line& line, StoredRow* stored) {
  const TracedAttempt last = line.recorder.LastFailure(stored->row->seq);
  stored->http_status = last.http_status;
  stored->reason = last.info;
  auto queue = line.dispatcher.queues().find(stored->route);
  if (queue == line.dispatcher.queues().end()) return;
  const EndpointStatus endpoint = StatusOf(line, queue->second);
  for (const HeldMethodStatus& held : endpoint.held_methods) {
    if (held.method != stored->row->event->method) continue;
    stored->reason = absl::StrCat("the method is held: ", held.reason);
  }
  if (endpoint.state == "ready") return;
  if (line.parts.offline && !Decided(queue->second)) return;  // nobody knows routes there
  stored->reason =
      absl::StrCat(endpoint.state, endpoint.reason.empty() ? "" : ": ", endpoint.reason);
}

}  // namespace tallybus
