// Decide, Append, Notify, Dispatch, Settle. The last two are the dispatcher's.
#include "tallybus/router.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>
#include <utility>

#include "delivery/dispatcher.h"
#include "delivery/error_watch.h"
#include "policy/decision.h"
#include "tallybus/mailbox.h"
#include "tallybus/session_table.h"

namespace tallybus {
namespace {

constexpr size_t kInboxBatches = 4096;
// One for each Append or Load of ours that is under way; those are bounded by the spool's size.
constexpr size_t kAsManyAsAsked = std::numeric_limits<size_t>::max();
constexpr int kPassesAStep = 16;
// An attempt that times out tells more than "waiting": its verdict is waited for this much longer.
constexpr absl::Duration kWaitingGrace = absl::Milliseconds(500);

size_t BytesOf(const IngressRecord& record) {
  if (const auto* event = std::get_if<Event>(&record)) return event->MemoryBytes();
  const auto& change = std::get<SessionChange>(record);
  return sizeof(change) + change.session_id.size() + change.app_key.size() +
         change.rest_client_config.value_or("").size();
}

bool HoldsEvents(const IngressBatch& batch) {
  return std::any_of(batch.records.begin(), batch.records.end(), [](const IngressRecord& record) {
    return std::holds_alternative<Event>(record);
  });
}

}  // namespace

size_t IngressBatch::MemoryBytes() const {
  size_t bytes = 0;
  for (const IngressRecord& record : records) bytes += BytesOf(record);
  return bytes;
}

class Router::Line final : public Outcomes {
 public:
  explicit Line(Parts parts);

  absl::Status Accept(IngressBatch&& batch);
  bool HasRoom() const;
  std::optional<MonoTime> Step();

  void OnFailure(const SpoolRow& row, const Failure& failure) override;
  void OnSettled(const SpoolRow& row) override {
    watch_.Forget(row.seq);
    waiting_asked_.erase(row.seq);  // the spool may have nothing left to answer with
  }

  Parts parts;
  std::shared_ptr<const RouteTable> routes = std::make_shared<RouteTable>();
  SessionTable sessions;
  Dispatcher dispatcher;
  Mailbox<SpoolBatch> commits;
  Mailbox<std::vector<SpoolRowPtr>> loads;
  std::atomic<bool> shutting_down{false};
  uint64_t accepted = 0;

 private:
  struct ClientCopy {
    EventPtr event;
    FieldSetPtr exclude;
  };

  void Wake();
  bool TakeInbox();
  void TakeRecord(IngressRecord&& record, SpoolBatch* batch, std::vector<ClientCopy>* copies);
  void TakeEvent(Event&& event, SpoolBatch* batch, std::vector<ClientCopy>* copies);
  void AppendAndNotify(SpoolBatch batch, const std::vector<ClientCopy>& copies);
  void Notify(const ClientCopy& copy);
  bool TakeCommits();
  bool TakeLoads();
  bool TakeOwnEvents();
  bool AskForWaiting();
  void CountUndelivered(Decision::Backend backend);
  std::optional<MonoTime> NextDue() const;

  std::atomic<std::thread::id> stepping_{};
  Mailbox<IngressBatch> inbox_;
  std::atomic<size_t> inbox_bytes_{0};
  ErrorWatch watch_;
  absl::flat_hash_set<SpoolSeq> waiting_asked_;  // loads that are for an ErrorEvent "waiting"
  std::vector<Event> own_events_;
  uint64_t last_sequence_ = 0;  // of ids that the router gives
  SpoolSeq last_seq_ = 0;
  Counter& accepted_;
  Counter& no_backend_;
  Counter& not_listed_;
  Counter& disabled_;
  Counter& client_copies_;
  Counter& error_events_;
  Gauge& spool_bytes_;
  Gauge& sessions_;
};

Router::Line::Line(Parts p)
    : parts(std::move(p)),
      sessions(parts.log),
      dispatcher({parts.clock, parts.spool, parts.metrics, parts.log, *this, [this] { Wake(); },
                  parts.jitter_seed}),
      commits(kAsManyAsAsked, [this] { Wake(); }),
      loads(kAsManyAsAsked, [this] { Wake(); }),
      inbox_(kInboxBatches, [this] { Wake(); }),
      accepted_(parts.metrics.GetCounter("tallybus_events_accepted_total", "Events accepted")),
      no_backend_(parts.metrics.GetCounter("tallybus_events_not_sent_total",
                                           "Events that no backend was called for",
                                           {{"reason", "no_backend"}})),
      not_listed_(parts.metrics.GetCounter("tallybus_events_not_sent_total", "",
                                           {{"reason", "method_not_listed"}})),
      disabled_(
          parts.metrics.GetCounter("tallybus_events_not_sent_total", "", {{"reason", "disabled"}})),
      client_copies_(parts.metrics.GetCounter("tallybus_client_messages_total",
                                              "Messages handed to the client channels")),
      error_events_(parts.metrics.GetCounter("tallybus_error_events_total",
                                             "ErrorEvents made for a backend's failure")),
      spool_bytes_(parts.metrics.GetGauge("tallybus_spool_bytes", "Bytes that the spool holds")),
      sessions_(parts.metrics.GetGauge("tallybus_sessions", "Sessions that are known")) {}

// What the router's own thread pushes while it steps, the same Step takes: no wake-up is owed.
void Router::Line::Wake() {
  if (stepping_.load(std::memory_order_relaxed) == std::this_thread::get_id()) return;
  if (parts.wake) parts.wake();
}

absl::Status Router::Line::Accept(IngressBatch&& batch) {
  if (shutting_down.load(std::memory_order_relaxed)) {
    return absl::UnavailableError("shutting down");
  }
  const size_t bytes = batch.MemoryBytes();
  const size_t before = inbox_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  const size_t used = parts.spool.UsedBytes() + before;
  // One batch into an empty spool is always taken: it would never fit better.
  const bool fits = used == 0 || used + bytes <= parts.spool.MaxBytes();
  // Sessions cost the spool nothing, and without them later events would be treated wrongly.
  if ((fits || !HoldsEvents(batch)) && inbox_.Push(std::move(batch))) {
    return absl::OkStatus();
  }
  inbox_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return absl::ResourceExhaustedError("the spool is full (spool.max_size)");
}

bool Router::Line::HasRoom() const {
  const size_t max = parts.spool.MaxBytes();
  return parts.spool.UsedBytes() + inbox_bytes_.load(std::memory_order_relaxed) <= max - max / 8;
}

std::optional<MonoTime> Router::Line::Step() {
  stepping_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  bool busy = true;
  for (int pass = 0; busy && pass < kPassesAStep; ++pass) {
    busy = TakeInbox();
    busy |= TakeCommits();
    busy |= TakeLoads();
    busy |= dispatcher.Settle();
    busy |= TakeOwnEvents();
    busy |= dispatcher.Dispatch(*routes);
  }
  busy |= AskForWaiting();
  const MonoTime now = parts.clock.Now();
  sessions.Prune(now);
  sessions_.Set(static_cast<int64_t>(sessions.size()));
  spool_bytes_.Set(static_cast<int64_t>(parts.spool.UsedBytes()));
  stepping_.store(std::thread::id(), std::memory_order_relaxed);
  return busy ? now : NextDue();
}

std::optional<MonoTime> Router::Line::NextDue() const {
  std::optional<MonoTime> due = dispatcher.NextDue();
  const std::optional<MonoTime> waiting = watch_.NextDue();
  if (waiting && (!due || *waiting < *due)) due = waiting;
  return due;
}

bool Router::Line::TakeInbox() {
  std::vector<IngressBatch> batches;
  inbox_.Drain(&batches);
  for (IngressBatch& ingress : batches) {
    inbox_bytes_.fetch_sub(ingress.MemoryBytes(), std::memory_order_relaxed);
    SpoolBatch batch;
    std::vector<ClientCopy> copies;
    for (IngressRecord& record : ingress.records) TakeRecord(std::move(record), &batch, &copies);
    if (ingress.watermark) batch.watermarks.push_back(*ingress.watermark);
    AppendAndNotify(std::move(batch), copies);
  }
  return !batches.empty();
}

void Router::Line::TakeRecord(IngressRecord&& record, SpoolBatch* batch,
                              std::vector<ClientCopy>* copies) {
  if (auto* event = std::get_if<Event>(&record)) {
    ++accepted;
    accepted_.Add();
    TakeEvent(std::move(*event), batch, copies);
    return;
  }
  auto& change = std::get<SessionChange>(record);
  sessions.Apply(change, parts.clock.Now());
  batch->sessions.push_back(std::move(change));
}

void Router::Line::TakeEvent(Event&& event, SpoolBatch* batch, std::vector<ClientCopy>* copies) {
  if (event.id.epoch == 0) event.id = {parts.epoch, ++last_sequence_};
  auto shared = std::make_shared<const Event>(std::move(event));
  Decision decision = Decide(*shared, sessions, *routes);
  copies->push_back({shared, std::move(decision.client_exclude)});
  if (decision.backend != Decision::Backend::kSend) {
    CountUndelivered(decision.backend);
    return;
  }
  auto row = std::make_shared<SpoolRow>();
  row->seq = ++last_seq_;
  row->lane = LaneKey(*shared);
  row->lane_sequence = dispatcher.NextSequence(decision.route, row->lane);
  row->event = std::move(shared);
  row->route = std::move(decision.route);
  row->exclude = std::move(decision.rest_exclude);
  row->on_error = decision.on_error;
  batch->rows.push_back(std::move(row));
}

void Router::Line::CountUndelivered(Decision::Backend backend) {
  if (backend == Decision::Backend::kNone) no_backend_.Add();
  if (backend == Decision::Backend::kNotListed) not_listed_.Add();
  if (backend == Decision::Backend::kDisabled) disabled_.Add();
}

void Router::Line::AppendAndNotify(SpoolBatch batch, const std::vector<ClientCopy>& copies) {
  if (!batch.rows.empty() || !batch.watermarks.empty() || !batch.sessions.empty()) {
    parts.spool.Append(std::move(batch));
  }
  for (const ClientCopy& copy : copies) Notify(copy);
}

void Router::Line::Notify(const ClientCopy& copy) {
  const Event& event = *copy.event;
  if (event.session_id.empty()) return;
  std::string filtered;
  if (copy.exclude) filtered = WithoutFields(event.json, copy.exclude);
  const Notification notification{.session_id = event.session_id,
                                  .message = event.method,
                                  .json = copy.exclude ? filtered : event.json,
                                  .id = event.id,
                                  .time = event.time};
  for (ClientChannel* channel : parts.clients) channel->Notify(notification);
  client_copies_.Add();
}

bool Router::Line::TakeCommits() {
  std::vector<SpoolBatch> committed;
  commits.Drain(&committed);
  for (const SpoolBatch& batch : committed) {
    for (const SpoolRowPtr& row : batch.rows) {
      if (row->on_error == OnError::kFail) {
        watch_.Watch(row->seq, parts.clock.Now() + row->route->endpoint.timeout + kWaitingGrace);
      }
      dispatcher.Enqueue(row);
    }
    if (parts.commits == nullptr) continue;
    for (const Watermark& watermark : batch.watermarks) parts.commits->OnDurable(watermark);
  }
  return !committed.empty();
}

bool Router::Line::TakeLoads() {
  std::vector<std::vector<SpoolRowPtr>> loaded;
  loads.Drain(&loaded);
  for (const std::vector<SpoolRowPtr>& rows : loaded) {
    for (const SpoolRowPtr& row : rows) {
      dispatcher.Loaded(row);
      if (waiting_asked_.erase(row->seq) == 0) continue;
      OnFailure(*row, Failure{.route = row->route->name,
                              .http_status = 0,
                              .info = "waiting",
                              .attempt = dispatcher.AttemptsOf(*row),
                              .final = false});
    }
  }
  return !loaded.empty();
}

// True where an ErrorEvent came of it, which the next turn takes.
bool Router::Line::AskForWaiting() {
  const std::vector<SpoolSeq> due = watch_.TakeDue(parts.clock.Now());
  if (due.empty()) return false;
  waiting_asked_.insert(due.begin(), due.end());
  parts.spool.Load(due);
  return TakeLoads();
}

void Router::Line::OnFailure(const SpoolRow& row, const Failure& failure) {
  if (row.on_error != OnError::kFail) return;
  if (!failure.final && !watch_.ClaimFirst(row.seq)) return;
  error_events_.Add();
  own_events_.push_back(MakeErrorEvent(*row.event, failure, parts.clock.WallNow()));
}

bool Router::Line::TakeOwnEvents() {
  if (own_events_.empty()) return false;
  SpoolBatch batch;
  std::vector<ClientCopy> copies;
  for (Event& event : std::exchange(own_events_, {})) TakeEvent(std::move(event), &batch, &copies);
  AppendAndNotify(std::move(batch), copies);
  return true;
}

Router::Router(Parts parts) : line_(std::make_unique<Line>(std::move(parts))) {
  line_->parts.spool.Start(*this);
}
Router::~Router() = default;

void Router::SetRoutes(RouteTable routes) {
  line_->routes = std::make_shared<const RouteTable>(std::move(routes));
}
absl::Status Router::Accept(IngressBatch&& batch) { return line_->Accept(std::move(batch)); }
bool Router::HasRoom() const { return line_->HasRoom(); }
void Router::Complete(Ticket ticket, DeliveryResult result) {
  line_->dispatcher.Complete(ticket, std::move(result));
}
void Router::OnCommitted(SpoolBatch batch) {
  (void)line_->commits.Push(std::move(batch));  // never full, see kAsManyAsAsked
}
void Router::OnLoaded(std::vector<SpoolRowPtr> rows) { (void)line_->loads.Push(std::move(rows)); }
void Router::OnFault(absl::Status status) {
  line_->parts.log.Write(LogLevel::kError, status.ToString());
}
std::optional<MonoTime> Router::Step() { return line_->Step(); }
void Router::BeginShutdown() {
  line_->shutting_down.store(true, std::memory_order_relaxed);
  line_->dispatcher.StopRetries();
}
void Router::StopDispatch() { line_->dispatcher.StopDispatch(); }
RouterTotals Router::Totals() const {
  RouterTotals totals;
  totals.accepted = line_->accepted;
  line_->dispatcher.AddTotals(&totals);
  return totals;
}

}  // namespace tallybus
