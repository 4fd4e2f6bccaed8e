// Walks the spool page by page, so that no question of an operator holds an event up.
#include "router_desk.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>
#include <utility>

#include "codec/json_writer.h"
#include "endpoint_report.h"
#include "replay_room.h"
#include "stored_trace.h"
#include "tallybus/counted.h"

namespace tallybus {
namespace {

constexpr size_t kMostTraced = 100;

// The last is asked first. Only of one event it is worth looking through what was delivered.
std::vector<StoredFilter> FiltersFor(const std::string& id_or_name) {
  StoredFilter by_id, by_stream, by_session;
  by_id.waiting = by_stream.waiting = by_session.waiting = true;
  by_id.dead = by_stream.dead = by_session.dead = true;
  by_id.delivered = true;
  by_id.id = id_or_name;
  by_stream.stream = id_or_name;
  by_session.session = id_or_name;
  return {by_session, by_stream, by_id};
}

// A fault would let the same rows be found again, and again.
absl::Status CannotWrite(uint64_t done) {
  return absl::UnavailableError(
      absl::StrCat("the spool cannot be written, see the alert SpoolFault; done before: ",
                   Counted(done, "row")));
}

}  // namespace

class RouterDesk final : public Desk {
 public:
  explicit RouterDesk(Router::Line& line) : line_(line) {}

  std::vector<EndpointStatus> Endpoints() const override;
  std::vector<AlertStatus> Alerts() const override;
  LivePage FindLive(const LivePageFilter& filter) override { return line_.FindPage(filter); }
  absl::Status Control(std::string_view route, Verb verb, std::string reason,
                       std::string author) override;
  void Test(std::string_view route, Tested done) override;
  void FindTrace(const std::string& id_or_name, Traced done) override;
  void Find(const StoredFilter& filter, StoredCallback done) override;
  void Replay(const StoredFilter& filter, bool dry_run, Replayed done) override;
  void Drop(const StoredFilter& filter, bool dry_run, Dropped done) override;

 private:
  // How far a replay has come.
  struct Replaying {
    ReplayResult result;
    ReplayRoom room;
  };
  void ReplayPage(StoredFilter filter, bool dry_run, Replaying so_far, Replayed done);
  void ReplayOne(const StoredRow& stored, Replaying* replaying, Router::Line::Turn* turn);
  ReplayRoom::Limits LimitsOf(const std::string& route) const;
  void DropPage(StoredFilter filter, bool dry_run, uint64_t so_far, Dropped done);
  // What a trace still has to ask of the spool, the last first.
  struct TraceSearch {
    Trace trace;
    std::vector<StoredFilter> left;
    Traced done;
  };
  void SearchOn(std::shared_ptr<TraceSearch> search);
  void AddRoutes(Trace* trace) const;
  struct Named {
    EndpointQueue* queue;
    size_t first, end;
  };
  absl::StatusOr<Named> Find(std::string_view name) const;
  // False: its state does not allow it.
  bool Apply(Verb verb, const std::string& reason, const std::string& author, EndpointGate* gate);
  // Has a page of the spool on the router's thread.
  void AskPage(const StoredFilter& filter, StoredCallback done);

  Router::Line& line_;
  bool replaying_ = false;
};

std::unique_ptr<Desk> NewRouterDesk(Router::Line& line) {
  return std::make_unique<RouterDesk>(line);
}

std::vector<EndpointStatus> RouterDesk::Endpoints() const {
  const auto add = [this](const RoutePtr& route) {
    if (route->transport != nullptr) line_.dispatcher.FindQueue(route->name);
  };
  for (const auto& [app, route] : line_.routes->by_app) add(route);
  for (const RoutePtr& route : line_.routes->others) add(route);
  const std::map<std::string, absl::Time> oldest = line_.dispatcher.OldestWaiting();
  std::vector<EndpointStatus> all;
  for (const auto& [name, queue] : line_.dispatcher.queues()) {
    const bool told = queue.Sends() || queue.Rehearses() || queue.rows > 0 || Decided(queue);
    if (!told) continue;
    for (size_t i = 0; i < queue.gate.size(); ++i) {
      all.push_back(StatusOf(line_, queue, i));
      if (queue.rows != 0) all.back().oldest = oldest.at(name);
    }
  }
  return all;
}

std::vector<AlertStatus> RouterDesk::Alerts() const {
  std::vector<AlertStatus> all;
  for (const auto& active : line_.alerts.active()) {
    all.push_back({active.alert.name, active.alert.subject, active.alert.critical,
                   active.alert.text, active.since});
  }
  return all;
}

// The endpoints that "billing" or "billing#2" names: from `first` to before `end`.
absl::StatusOr<RouterDesk::Named> RouterDesk::Find(std::string_view name) const {
  const auto [route, place] = SplitEndpointName(name);
  EndpointQueue* queue = line_.dispatcher.FindQueue(route);
  if (queue == nullptr) {
    return absl::NotFoundError(absl::StrCat("no route is called \"", std::string(route), "\""));
  }
  if (!place) return Named{queue, 0, queue->gate.size()};
  if (*place >= queue->gate.size()) {
    return absl::NotFoundError(
        absl::StrCat(queue->route, " has no endpoint ", *place + 1, ", but ", queue->gate.size()));
  }
  return Named{queue, *place, *place + 1};
}

bool RouterDesk::Apply(Verb verb, const std::string& reason, const std::string& author,
                       EndpointGate* gate) {
  const MonoTime now = line_.parts.clock.Now();
  switch (verb) {
    case Verb::kPause:
      gate->Pause(reason, author, now);
      return gate->decision().state == EndpointDecision::State::kPaused;
    case Verb::kResume:
      return gate->Resume(now);
    case Verb::kDisable:
      gate->Disable(reason, author, now);
      return true;
    case Verb::kEnable:
      return gate->Enable(now);
  }
  return false;
}

absl::Status RouterDesk::Control(std::string_view name, Verb verb, std::string reason,
                                 std::string author) {
  const absl::StatusOr<Named> named = Find(name);
  if (!named.ok()) return named.status();
  EndpointQueue& queue = *named->queue;
  bool done = false;
  for (size_t i = named->first; i < named->end; ++i) {
    done |= Apply(verb, reason, author, &queue.gate[i]);
  }
  if (!done) {
    const bool disabled =
        queue.gate[named->first].decision().state == EndpointDecision::State::kDisabled;
    return absl::FailedPreconditionError(
        absl::StrCat(std::string(name), disabled ? " is disabled: only enable brings it back"
                                                 : " is not disabled: there is nothing to enable"));
  }
  if (verb == Verb::kResume || verb == Verb::kEnable) line_.dispatcher.TryAtOnce(queue);
  line_.OnEndpoint(queue);
  return absl::OkStatus();
}

void RouterDesk::Test(std::string_view name, Tested done) {
  const absl::StatusOr<Named> named = Find(name);
  if (!named.ok()) return done(named.status());
  Event event;
  event.id = {line_.parts.epoch, ++line_.last_sequence_};
  event.time = line_.parts.clock.WallNow();
  event.method = "TallybusTestEvent";
  event.node_id = line_.parts.node_id;
  event.from_router = true;
  JsonObjectWriter writer(&event.json);
  writer.String("nodeId", event.node_id);
  writer.String("route", name);
  writer.Bool("test", true);
  writer.String("time", Rfc3339Millis(event.time));
  writer.Close();
  absl::Status status = line_.dispatcher.Test(*named->queue, named->first, std::move(event),
                                              [done](DeliveryResult result, absl::Duration took) {
                                                done(EndpointTestResult{std::move(result), took});
                                              });
  if (!status.ok()) done(status);
}

void RouterDesk::FindTrace(const std::string& id_or_name, Traced done) {
  auto search = std::make_shared<TraceSearch>();
  search->trace = line_.recorder.Find(id_or_name, kMostTraced);
  search->done = std::move(done);
  const std::vector<TracedEvent>& known = search->trace.events;
  const bool all_known =
      search->trace.left_out > 0 || (known.size() == 1 && known[0].id.ToString() == id_or_name &&
                                     !known[0].resumed && !known[0].routes_forgotten);
  if (!all_known) search->left = FiltersFor(id_or_name);
  SearchOn(std::move(search));
}

void RouterDesk::SearchOn(std::shared_ptr<TraceSearch> search) {
  if (search->left.empty()) {
    AddRoutes(&search->trace);
    return search->done(std::move(search->trace));
  }
  AskPage(search->left.back(), [this, search](absl::StatusOr<StoredPage> page) {
    const SpoolSeq next = page.ok() ? page->next : 0;
    if (page.ok()) {
      for (const StoredRow& stored : page->rows) AddStored(stored, &search->trace);
      KeepNewest(kMostTraced, &search->trace);
    }
    search->left.back().after = next;
    if (next == 0) search->left.pop_back();
    SearchOn(search);
  });
}

// What holds up the routes of those that wait. An endpoint's decision is told as a change where
// this process has seen none.
void RouterDesk::AddRoutes(Trace* trace) const {
  std::set<std::string> routes;
  for (const TracedEvent& event : trace->events) {
    for (const TracedRoute& way : event.routes) {
      if (!way.fate && !way.not_sent) routes.insert(way.route);
    }
  }
  for (const std::string& route : routes) {
    auto queue = line_.dispatcher.queues().find(route);
    if (queue == line_.dispatcher.queues().end()) continue;
    trace->routes.push_back(NowOf(line_, queue->second));
    const bool told = std::any_of(
        trace->endpoints.begin(), trace->endpoints.end(),
        [&](const EndpointChange& change) { return RouteOfEndpoint(change.route) == route; });
    if (told || !Decided(queue->second)) continue;
    const EndpointDecision& decision = queue->second.gate[0].decision();
    const bool paused = decision.state == EndpointDecision::State::kPaused;
    trace->endpoints.push_back({WallOf(line_.parts.clock, decision.since), route,
                                paused ? EndpointState::kPaused : EndpointState::kDisabled,
                                decision.reason});
  }
}

void RouterDesk::Find(const StoredFilter& filter, StoredCallback done) {
  AskPage(filter, [this, done = std::move(done)](absl::StatusOr<StoredPage> page) {
    if (!page.ok()) return done(std::move(page));
    for (StoredRow& stored : page->rows) {
      if (stored.state == StoredRow::State::kWaiting) SayWhyItWaits(line_, &stored);
    }
    done(std::move(page));
  });
}

void RouterDesk::AskPage(const StoredFilter& filter, StoredCallback done) {
  line_.parts.spool.Find(filter, [this, done](absl::StatusOr<StoredPage> page) {
    auto shared = std::make_shared<absl::StatusOr<StoredPage>>(std::move(page));
    (void)line_.tasks.Push([done, shared] { done(std::move(*shared)); });
  });
}

void RouterDesk::Replay(const StoredFilter& filter, bool dry_run, Replayed done) {
  if (!dry_run) {
    // It would find what the first has sent and was delivered meanwhile.
    if (std::exchange(replaying_, true)) {
      return done(absl::FailedPreconditionError(
          "another replay or retry is under way: ask again when it has ended"));
    }
    done = [this, done = std::move(done)](absl::StatusOr<ReplayResult> result) {
      replaying_ = false;
      done(std::move(result));
    };
  }
  StoredFilter known = filter;
  known.through = std::min(known.through, line_.last_seq_);  // not what dies again under our hands
  ReplayPage(std::move(known), dry_run, {}, std::move(done));
}

void RouterDesk::ReplayPage(StoredFilter filter, bool dry_run, Replaying so_far, Replayed done) {
  filter.waiting = false;
  if (!dry_run && !line_.parts.spool.Healthy()) return done(CannotWrite(so_far.result.replayed));
  AskPage(filter, [this, filter, dry_run, so_far, done](absl::StatusOr<StoredPage> page) mutable {
    if (!page.ok()) return done(page.status());
    Router::Line::Turn turn;
    for (const StoredRow& stored : page->rows) {
      if (line_.leaving.contains(stored.row->seq)) continue;
      if (filter.route.empty() && stored.row->event->method == kAlertEvent) {
        ++so_far.result.alerts;
        continue;
      }
      ReplayOne(stored, &so_far, dry_run ? nullptr : &turn);
    }
    if (!dry_run) line_.Append(std::move(turn));
    so_far.result.last_row = filter.through;
    if (page->next == 0) return done(so_far.result);
    filter.after = page->next;
    ReplayPage(std::move(filter), dry_run, so_far, std::move(done));
  });
}

ReplayRoom::Limits RouterDesk::LimitsOf(const std::string& name) const {
  const RoutePtr route = line_.routes->Find(name);
  const EndpointQueue* queue = line_.dispatcher.FindQueue(name);
  return {.waiting = queue == nullptr ? 0 : queue->bytes - queue->outdated_bytes,
          .quota = route == nullptr ? 0 : route->quota_bytes};
}

// The old row goes in the transaction that the new one comes in: a disk that is full, or a crash,
// leaves one of them and never both or none.
void RouterDesk::ReplayOne(const StoredRow& stored, Replaying* replaying,
                           Router::Line::Turn* turn) {
  ReplayResult* result = &replaying->result;
  const auto leave = [](uint64_t* counter) { ++*counter; };
  const SpoolRow& old = *stored.row;
  const RoutePtr route = line_.routes->Find(stored.route);
  if (old.event->method.empty()) return leave(&result->damaged);
  if (old.event->method == kRejectedRecord) return leave(&result->rejected);
  Route unknown;  // offline nobody knows them; the daemon will
  unknown.name = stored.route;
  if (!line_.parts.offline && (route == nullptr || route->transport == nullptr))
    return leave(&result->no_route);
  const EndpointQueue* queue = line_.dispatcher.FindQueue(stored.route);
  if (queue != nullptr && queue->Buries()) return leave(&result->disabled);
  if (!replaying->room.Takes(stored.route, old.Bytes(), LimitsOf(stored.route))) {
    if (result->no_room == 0) result->first_left = old.seq;
    return leave(&result->no_room);
  }
  ++result->replayed;
  if (turn == nullptr) return;
  auto row = std::make_shared<SpoolRow>(old);
  row->seq = ++line_.last_seq_;
  row->accepted = line_.parts.clock.WallNow();
  row->coalesced = 0;
  ++row->replays;
  line_.dispatcher.Place(route == nullptr ? unknown : *route, stored.lane, row.get(), &turn->batch);
  replaying->room.Queued(stored.route);
  line_.recorder.Replayed(*row->event,
                          {.row = row->seq,
                           .route = stored.route,
                           .lane = stored.lane,
                           .lane_sequence = row->lane_sequence,
                           .accepted = old.accepted},
                          line_.parts.clock.WallNow());
  turn->batch.rows.push_back(std::move(row));
  Settlement done;
  done.seq = old.seq;
  done.outcome = Settlement::Outcome::kReplayed;
  done.bytes = static_cast<uint32_t>(old.Bytes());
  done.was_delivered = stored.state == StoredRow::State::kDelivered;
  line_.leaving.insert(old.seq);
  turn->batch.settled.push_back(std::move(done));
}

void RouterDesk::Drop(const StoredFilter& filter, bool dry_run, Dropped done) {
  DropPage(filter, dry_run, 0, std::move(done));
}

void RouterDesk::DropPage(StoredFilter filter, bool dry_run, uint64_t so_far, Dropped done) {
  filter.waiting = filter.delivered = false;
  filter.dead = true;
  if (!dry_run && !line_.parts.spool.Healthy()) return done(CannotWrite(so_far));
  AskPage(filter, [this, filter, dry_run, so_far, done](absl::StatusOr<StoredPage> page) mutable {
    if (!page.ok()) return done(page.status());
    Router::Line::Turn turn;
    for (const StoredRow& stored : page->rows) {
      if (line_.leaving.contains(stored.row->seq)) continue;
      ++so_far;
      if (dry_run) continue;
      Settlement drop;
      drop.seq = stored.row->seq;
      drop.outcome = Settlement::Outcome::kDropped;
      drop.bytes = static_cast<uint32_t>(stored.row->Bytes());
      line_.OnSettled(drop);
      line_.leaving.insert(drop.seq);
      turn.batch.settled.push_back(std::move(drop));
    }
    if (!dry_run) line_.Append(std::move(turn));
    if (page->next == 0) return done(so_far);
    filter.after = page->next;
    DropPage(std::move(filter), dry_run, so_far, std::move(done));
  });
}

// As a task: a page of the spool that was read before the commit is among the tasks already, and
// still has the rows.
void Router::Line::LeaveBehind(const std::vector<Settlement>& gone) {
  std::vector<SpoolSeq> rows;
  for (const Settlement& settled : gone) rows.push_back(settled.seq);
  (void)tasks.Push([this, rows = std::move(rows)] {
    for (SpoolSeq row : rows) leaving.erase(row);
  });
}

}  // namespace tallybus
