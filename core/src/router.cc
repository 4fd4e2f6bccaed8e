// Decide, Append, Notify, Dispatch, Settle. The last two are the dispatcher's.
#include "tallybus/router.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "router_desk.h"
#include "router_line.h"
#include "tallybus/fault_point.h"

namespace tallybus {
namespace {

constexpr size_t kInboxBatches = 4096;
constexpr size_t kMostTasks = 1024;
// What is accepted and not on the disk yet is held in memory: so much of it.
constexpr size_t kMostUnwritten = size_t{16} << 20;
// One for each Append or Load of ours that is under way; those are bounded by the spool's size.
constexpr size_t kAsManyAsAsked = std::numeric_limits<size_t>::max();
constexpr int kPassesAStep = 16;
constexpr absl::Duration kHousekeepEvery = absl::Seconds(1);

// What is kept free for terminal events and for what the router itself must say.
size_t Floor(size_t max_bytes) { return max_bytes / 16; }

}  // namespace

Router::Line::Line(Parts p)
    : parts(std::move(p)),
      sessions(parts.log, parts.session_ttl),
      dispatcher({parts.clock, parts.spool, parts.metrics, parts.log, *this, [this] { Wake(); },
                  parts.jitter_seed}),
      alerts(parts.log, parts.metrics, parts.node_id),
      commits(kAsManyAsAsked, [this] { Wake(); }),
      loads(kAsManyAsAsked, [this] { Wake(); }),
      faults(kAsManyAsAsked, [this] { Wake(); }),
      tasks(kMostTasks, [this] { Wake(); }),
      inbox_(kInboxBatches, [this] { Wake(); }),
      random_(static_cast<std::minstd_rand::result_type>(parts.jitter_seed)),
      ask_log_(parts.log, parts.clock),
      gates_(parts.metrics),
      started_(parts.clock.Now()),
      counters_(parts.metrics) {}

// What the router's own thread pushes while it steps, the same Step takes: no wake-up is owed.
void Router::Line::Wake() {
  if (stepping_.load(std::memory_order_relaxed) == std::this_thread::get_id()) return;
  if (parts.wake) parts.wake();
}

absl::Status Router::Line::Accept(IngressBatch&& batch) {
  if (shutting_down.load(std::memory_order_relaxed)) {
    return absl::UnavailableError("shutting down");
  }
  const bool events = batch.HoldsEvents();
  if (events && !parts.spool.Healthy()) {
    return absl::ResourceExhaustedError("the spool cannot be written");
  }
  if (events && blocked_.load(std::memory_order_relaxed) && !batch.HoldsTerminal()) {
    return absl::ResourceExhaustedError("a route's quota is full (when_full: block)");
  }
  const size_t bytes = batch.MemoryBytes();
  const size_t unwritten = Unwritten();
  if (events && unwritten != 0 && unwritten + bytes > kMostUnwritten) {
    return absl::ResourceExhaustedError("the spool is behind");
  }
  const size_t before = inbox_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  const size_t used = parts.spool.UsedBytes() + before;
  const size_t max = parts.spool.MaxBytes();
  // One batch into an empty spool is always taken: it would never fit better.
  const bool fits = used == 0 || used + bytes <= (batch.HoldsTerminal() ? max : max - Floor(max));
  // What is no event costs the spool little, and without it later events would be treated wrongly.
  if (fits || !events) {
    Accepted taken{std::move(batch), bytes};
    if (inbox_.Push(std::move(taken))) {
      refused_bytes_.store(0, std::memory_order_relaxed);
      TALLYBUS_FAULT_POINT("ingress.accepted");
      return absl::OkStatus();
    }
    batch = std::move(taken.batch);  // untouched, for the caller
  }
  inbox_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  refused_bytes_.store(bytes, std::memory_order_relaxed);
  return absl::ResourceExhaustedError("the spool is full (spool.max_size)");
}

// Accepted, and in memory alone.
size_t Router::Line::Unwritten() const {
  return inbox_bytes_.load(std::memory_order_relaxed) + parts.spool.PendingBytes();
}

bool Router::Line::IsBehind() const { return Unwritten() > kMostUnwritten / 2; }

bool Router::Line::HasRoom() const {
  const size_t max = parts.spool.MaxBytes();
  const size_t used = parts.spool.UsedBytes() + inbox_bytes_.load(std::memory_order_relaxed);
  return !IsBehind() && parts.spool.Healthy() && !blocked_.load(std::memory_order_relaxed) &&
         used <= max - max / 8 &&
         (used == 0 || used + refused_bytes_.load(std::memory_order_relaxed) <= max - Floor(max));
}

void Router::Line::SetRoutes(RouteTable table) {
  std::map<std::string, RoutePtr, std::less<>> by_name;
  for (const auto& [app, route] : table.by_app) by_name[route->name] = route;
  for (const RoutePtr& route : table.others) by_name[route->name] = route;
  dispatcher.SetRoutes(std::move(by_name));
  routes = std::make_shared<const RouteTable>(std::move(table));
  FollowLiveStreams();
}

std::optional<MonoTime> Router::Line::Step() {
  stepping_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  const MonoTime now = parts.clock.Now();
  if (now - housekept_ >= kHousekeepEvery) Housekeep();
  bool busy = true;
  for (int pass = 0; busy && pass < kPassesAStep; ++pass) {
    pass_time_ = parts.clock.WallNow();
    busy = TakeFaults();
    busy |= TakeTasks();
    busy |= LetGoOfLeft();
    busy |= TakeInbox();
    busy |= TakeCommits();
    busy |= TakeLoads();
    busy |= dispatcher.Settle();
    busy |= TakeAnswers();
    busy |= OpenDueGates();
    busy |= TakeOwnEvents();
    busy |= KeepAlive();
    busy |= dispatcher.Dispatch();
  }
  blocked_.store(dispatcher.Blocks(), std::memory_order_relaxed);
  busy |= AskForWaiting();
  pass_time_.reset();
  stepping_.store(std::thread::id(), std::memory_order_relaxed);
  return busy ? now : NextDue();
}

std::optional<MonoTime> Router::Line::NextDue() {
  std::optional<MonoTime> due = dispatcher.NextDue();
  const auto at = [&due](std::optional<MonoTime> time) {
    if (time && (!due || *time < *due)) due = time;
  };
  at(keep_alives_.NextDue());
  at(gates_.NextDue());
  // Else the spool's answer makes the next turn.
  if (waiting_asked_.size() < kWaitingAsked) at(watch_.NextDue());
  return due;
}

void Router::Line::Housekeep() {
  housekept_ = parts.clock.Now();
  ForgetSilentSessions();
  EndStaleStreams();
  ForgetDrops();
  CheckAlerts();
  blocked_.store(dispatcher.Blocks(), std::memory_order_relaxed);
  counters_.sessions.Set(static_cast<int64_t>(sessions.size()));
  counters_.live.Set(static_cast<int64_t>(live_.size()));
  counters_.spool_bytes.Set(static_cast<int64_t>(parts.spool.UsedBytes()));
}

bool Router::Line::TakeTasks() {
  std::vector<std::function<void()>> waiting;
  tasks.Drain(&waiting);
  for (const auto& task : waiting) task();
  return !waiting.empty();
}

bool Router::Line::TakeInbox() {
  std::vector<Accepted> batches;
  inbox_.Drain(&batches);
  for (auto& [ingress, bytes] : batches) {
    inbox_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    Turn turn;
    turn.copies.reserve(ingress.records.size());
    turn.batch.rows.reserve(ingress.records.size());
    for (IngressRecord& record : ingress.records) TakeRecord(std::move(record), &turn);
    if (ingress.watermark) NoteWatermark(*ingress.watermark, &turn.batch);
    Append(std::move(turn));
  }
  return !batches.empty();
}

void Router::Line::TakeRecord(IngressRecord&& record, Turn* turn) {
  if (auto* event = std::get_if<Event>(&record)) {
    ++accepted;
    counters_.accepted.Add();
    const std::string& source = SourceOf(*event);
    if (live_.HasSuperseded()) EndSuperseded(source, LaneKey(*event), turn);
    const bool begins = live_.Note(source, *event, parts.clock.CoarseNow(), &turn->batch.live);
    if (keeps_alive_) KeepFollowing(source, *event, begins);
    return TakeInOrder(source, std::move(*event), turn);
  }
  if (auto* stated = std::get_if<StreamStated>(&record)) {
    const Event& status = stated->status;
    const std::string& source = SourceOf(status);
    const bool begins = live_.Note(source, status, parts.clock.CoarseNow(), &turn->batch.live);
    if (begins && keeps_alive_) Follow(source, status);
    return;
  }
  if (auto* change = std::get_if<PublisherChange>(&record)) return TakePublisher(*change, turn);
  if (auto* rejected = std::get_if<RejectedRecord>(&record)) return Bury(*rejected, turn);
  if (auto* ask = std::get_if<Ask>(&record)) return TakeAsk(std::move(*ask), turn);
  TakeSession(std::move(std::get<SessionChange>(record)), turn);
}

void Router::Line::TakeEvent(Event&& event, Turn* turn, const std::string* not_to) {
  if (event.id.epoch == 0) event.id = {parts.epoch, ++last_sequence_};
  auto shared = std::make_shared<const Event>(std::move(event));
  Decision decision = Decide(*shared, sessions, *routes);
  TALLYBUS_FAULT_POINT("router.decided");
  const absl::Time now = PassTime();
  recorder.Accepted(*shared, now);
  if (IsForClients(*shared)) turn->copies.push_back({shared, std::move(decision.client_exclude)});
  NoteUndelivered(*shared, decision, now);
  if (!decision.targets.empty()) SetLaneKey(*shared, &lane_);
  for (const Target& target : decision.targets) {
    if (not_to == nullptr || target.route->name != *not_to) AddRow(shared, target, turn);
  }
  if (shared->terminal && shared->method == kConnectionStatusEvent) CloseSessionOf(*shared, turn);
}

void Router::Line::AddRow(const EventPtr& event, const Target& target, Turn* turn) {
  auto row = std::make_shared<SpoolRow>();
  row->seq = ++last_seq_;
  row->event = event;
  if (target.exclude) {
    auto filtered = std::make_shared<Event>(*event);
    filtered->json = WithoutFields(event->json, target.exclude);
    row->event = std::move(filtered);
  }
  row->on_error = target.on_error;
  row->delivery = target.route->delivery;
  row->accepted = PassTime();
  row->ephemeral = event->method == kStreamKeepAliveEvent;
  dispatcher.Place(*target.route, lane_, row.get(), &turn->batch);
  recorder.Spooled(event->id,
                   {.row = row->seq,
                    .route = target.route->name,
                    .lane = lane_,
                    .lane_sequence = row->lane_sequence},
                   row->accepted);
  if (target.overwrites && IsForClients(*event)) ShutGate(*row, target, &turn->copies.back());
  (row->ephemeral ? turn->of_the_moment : turn->batch.rows).push_back(std::move(row));
}

void Router::Line::NoteUndelivered(const Event& event, const Decision& decision, absl::Time now) {
  for (const RoutePtr& route : decision.rehearsed) {
    counters_.rehearsed.Add();
    parts.metrics
        .GetCounter("tallybus_events_dry_run_total",
                    "Events that a route which only rehearses would have taken",
                    {{"route", route->name}})
        .Add();
    recorder.NotSent(event.id, route->name, NotSentReason::kDryRun, now);
  }
  NotSentReason reason = NotSentReason::kNoBackend;
  switch (decision.backend) {
    case Decision::Backend::kSend:
      return;
    case Decision::Backend::kNone:
      counters_.no_backend.Add();
      break;
    case Decision::Backend::kNotListed:
      reason = NotSentReason::kMethodNotListed;
      counters_.not_listed.Add();
      break;
    case Decision::Backend::kDisabled:
      reason = NotSentReason::kRestPolicyDisable;
      counters_.disabled.Add();
      break;
  }
  recorder.NotSent(event.id, event.app_key, reason, now);
}

void Router::Line::Append(Turn turn) {
  for (LaneId lane : dispatcher.TakeForgotten()) turn.batch.forgotten_lanes.push_back(lane);
  for (EndpointRecord& decision : std::exchange(decisions_, {})) {
    turn.batch.endpoints.push_back(std::move(decision));
  }
  if (!turn.batch.empty()) parts.spool.Append(std::move(turn.batch));
  TALLYBUS_FAULT_POINT("router.appended");
  for (ClientCopy& copy : turn.copies) NotifyInOrder(std::move(copy));
  TALLYBUS_FAULT_POINT("router.notified");
  for (const SpoolRowPtr& row : turn.of_the_moment) {
    if (!dispatcher.TryNow(row)) OpenGate(row->seq, GateEnd::kEndpoint);
  }
}

void Router::Line::Notify(const ClientCopy& copy) {
  const Event& event = *copy.event;
  const absl::Time now = PassTime();
  const bool overwritten = !copy.json.empty();
  recorder.ToClients(event.id,
                     event.session_id.empty() ? ClientOutcome::kNoSession
                     : parts.clients.empty()  ? ClientOutcome::kNobody
                     : overwritten            ? ClientOutcome::kOverwritten
                                              : ClientOutcome::kTold,
                     now);
  if (parts.clients.empty()) return;
  const std::string& whole = overwritten ? copy.json : event.json;
  std::string filtered;
  if (copy.exclude) filtered = WithoutFields(whole, copy.exclude);
  const Notification notification{.session_id = event.session_id,
                                  .app_key = event.app_key,
                                  .name = event.name,
                                  .message = event.method,
                                  .json = copy.exclude ? filtered : whole,
                                  .id = event.id,
                                  .time = event.time};
  for (ClientChannel* channel : parts.clients) channel->Notify(notification);
  counters_.client_copies.Add();
}

bool Router::Line::TakeCommits() {
  std::vector<SpoolBatch> committed;
  commits.Drain(&committed);
  for (const SpoolBatch& batch : committed) {
    TALLYBUS_FAULT_POINT("router.committed");
    for (const SpoolRowPtr& row : batch.rows) {
      Watch(*row);
      dispatcher.Enqueue(row);
    }
    if (!leaving.empty() && !batch.settled.empty()) LeaveBehind(batch.settled);
    if (parts.commits == nullptr) continue;
    for (const Watermark& watermark : batch.watermarks) parts.commits->OnDurable(watermark);
    TALLYBUS_FAULT_POINT("router.told_durable");
  }
  return !committed.empty();
}

bool Router::Line::TakeOwnEvents() {
  std::vector<Alerts::Told> told = alerts.Take();
  if (parts.offline) told.clear();  // nobody would hear of them: the daemon's to tell
  if (own_events_.empty() && told.empty() && decisions_.empty()) return false;
  Turn turn;
  for (OwnEvent& own : std::exchange(own_events_, {})) {
    TakeEvent(std::move(own.event), &turn);
    turn.copies.back().about = std::move(own.about);
  }
  for (Alerts::Told& alert : told) {
    turn.batch.alerts.push_back(std::move(alert.record));
    TakeEvent(std::move(alert.event), &turn, &alert.about);
  }
  Append(std::move(turn));
  return true;
}

Router::Router(Parts parts)
    : line_(std::make_unique<Line>(std::move(parts))), desk_(NewRouterDesk(*line_)) {}
Router::~Router() = default;

absl::Status Router::Start() { return line_->parts.spool.Start(*this, *line_); }
std::vector<PublisherRecord> Router::TakePublishers() {
  return std::exchange(line_->recovered, {});
}
std::vector<std::string> Router::TakeBeatingNodes() {
  return std::exchange(line_->recovered_nodes, {});
}
void Router::SetRoutes(RouteTable routes) { line_->SetRoutes(std::move(routes)); }
absl::Status Router::Accept(IngressBatch&& batch) { return line_->Accept(std::move(batch)); }
bool Router::IsBehind() const { return line_->IsBehind(); }
bool Router::HasRoom() const { return line_->HasRoom(); }
void Router::Complete(Ticket ticket, DeliveryResult result) {
  Completion done{ticket, std::move(result)};
  CompleteAll({&done, 1});
}
void Router::CompleteAll(std::span<Completion> done) {
  TALLYBUS_FAULT_POINT("settle.completed");
  line_->dispatcher.Complete(done);
}
void Router::OnCommitted(SpoolBatch batch) {
  (void)line_->commits.Push(std::move(batch));  // never full, see kAsManyAsAsked
}
void Router::OnLoaded(std::vector<SpoolRowPtr> rows) { (void)line_->loads.Push(std::move(rows)); }
void Router::OnFault(absl::Status status) { (void)line_->faults.Push(std::move(status)); }
std::vector<LiveStreams> Router::FindLive(const std::vector<LiveFilter>& filters,
                                          size_t most_bytes) const {
  return line_->FindLive(filters, most_bytes);
}
void Router::Post(std::function<void()> task) { (void)line_->tasks.Push(std::move(task)); }
Desk& Router::desk() { return *desk_; }
std::optional<MonoTime> Router::Step() { return line_->Step(); }
void Router::BeginShutdown() {
  line_->shutting_down.store(true, std::memory_order_relaxed);
  line_->dispatcher.StopRetries();
}
void Router::StopDispatch() { line_->StopDispatch(); }
RouterTotals Router::Totals() const {
  RouterTotals totals;
  totals.accepted = line_->accepted;
  line_->dispatcher.AddTotals(&totals);
  return totals;
}

}  // namespace tallybus
