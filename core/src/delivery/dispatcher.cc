// Dispatch and Settle, the last two steps of the straight line.
#include "delivery/dispatcher.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string_view>

#include "tallybus/codec.h"
#include "tallybus/fault_point.h"

namespace tallybus {
namespace {

constexpr absl::Duration kSweepEvery = absl::Seconds(1);
constexpr std::string_view kTestLane = "test";
constexpr absl::Duration kAgeEvery = absl::Minutes(1);
// A transport completes by the deadline; past this it is not believed to.
constexpr absl::Duration kOverdueAfter = absl::Seconds(1);

SpoolRowPtr RowOf(Event event) {
  auto row = std::make_shared<SpoolRow>();
  row->event = std::make_shared<const Event>(std::move(event));
  return row;
}

}  // namespace

Dispatcher::Dispatcher(Parts parts)
    : parts_(std::move(parts)),
      failure_log_(parts_.log, parts_.clock),
      given_up_log_(parts_.log, parts_.clock),
      in_flight_(parts_.wake, parts_.metrics.GetCounter(
                                  "tallybus_stray_completions_total",
                                  "Completions that came late, twice or for no open ticket")),
      random_(static_cast<std::minstd_rand::result_type>(parts_.jitter_seed)),
      waiting_gauge_(parts_.metrics.GetGauge("tallybus_waiting_events",
                                             "Events in the spool that no attempt is made for")),
      in_flight_gauge_(parts_.metrics.GetGauge("tallybus_in_flight_events",
                                               "Events that a transport is sending")),
      lanes_gauge_(parts_.metrics.GetGauge("tallybus_lanes", "Lanes that are remembered")),
      damaged_(parts_.metrics.GetCounter("tallybus_events_damaged_total",
                                         "Events whose bytes the spool gave back changed")) {}

EndpointQueue& Dispatcher::QueueOf(const std::string& route) {
  auto [found, is_new] = queues_.try_emplace(route, route, random_(), parts_.metrics);
  if (!is_new) return found->second;
  auto today = routes_.find(route);
  if (today != routes_.end()) found->second.SetRoute(today->second, parts_.clock.Now());
  return found->second;
}

void Dispatcher::SetRoutes(std::map<std::string, RoutePtr, std::less<>> routes) {
  routes_ = std::move(routes);
  for (auto& [name, queue] : queues_) {
    auto today = routes_.find(name);
    const bool others =
        queue.SetRoute(today == routes_.end() ? nullptr : today->second, parts_.clock.Now());
    if (others) parts_.outcomes.OnEndpoint(queue);
  }
}

EndpointQueue* Dispatcher::FindQueue(std::string_view route) {
  auto found = queues_.find(route);
  if (found != queues_.end()) return &found->second;
  auto today = routes_.find(route);
  return today == routes_.end() ? nullptr : &QueueOf(today->first);
}

void Dispatcher::Restore(const LaneRecord& lane) {
  lanes_.Restore(QueueOf(lane.route), lane, parts_.clock.Now());
}

void Dispatcher::Restore(const EndpointRecord& endpoint) {
  EndpointDecision decision;
  using State = EndpointDecision::State;
  decision.gone = endpoint.state == "gone";
  if (endpoint.state == "paused") decision.state = State::kPaused;
  if (endpoint.state == "disabled" || decision.gone) decision.state = State::kDisabled;
  decision.reason = endpoint.reason;
  decision.author = endpoint.author;
  // A clock that was set back does not bring the decision into the future.
  const MonoTime now = parts_.clock.Now();
  decision.since = now + std::min(endpoint.since - parts_.clock.WallNow(), absl::ZeroDuration());
  QueueOf(std::string(RouteOfEndpoint(endpoint.route)))
      .gate.Restore(endpoint.route, std::move(decision), now);
}

void Dispatcher::Restore(const WaitingRow& row) {
  Lane* found = lanes_.Find(row.lane);
  if (found == nullptr) return BuryStray(row);
  Lane* lane =
      row.progress.reordered ? &lanes_.Stray(*found) : &lanes_.Get(*found->queue, found->key);
  const Waiting waiting = {.seq = row.seq,
                           .bytes = row.bytes,
                           .accepted_s = static_cast<uint32_t>(absl::ToUnixSeconds(row.accepted)),
                           .terminal = row.terminal,
                           .may_have_arrived = row.progress.may_have_arrived,
                           .replayed = row.replayed};
  ++unsettled_;
  ++lane->queue->rows;
  lane->queue->bytes += row.bytes;
  if (row.replayed) lane->queue->replayed_bytes += row.bytes;
  if (lane->head.seq == 0) {
    RestoreHead(*lane, row, waiting);
  } else {
    backlog_.Push(lane->waiting, lane->queue->sheddable, waiting);
  }
}

// Without its lane it has no route and no place.
void Dispatcher::BuryStray(const WaitingRow& row) {
  damaged_.Add();
  Settlement settlement;
  settlement.seq = row.seq;
  settlement.outcome = Settlement::Outcome::kGivenUp;
  settlement.attempts = row.progress.attempts;
  settlement.reason = "its lane is damaged on disk";
  settlement.at = parts_.clock.WallNow();
  settlement.bytes = row.bytes;
  settled_.push_back(std::move(settlement));
}

void Dispatcher::RestoreHead(Lane& lane, const WaitingRow& row, const Waiting& head) {
  const Progress& progress = row.progress;
  SetHead(lane, head,
          {.attempts = progress.attempts,
           .burnt = progress.tries,
           .own_time_before = progress.own_time,
           .began = std::nullopt,
           .may_have_arrived = progress.may_have_arrived,
           .reordered = progress.reordered});
  // A clock that was set back must not make it wait for longer than its schedule could ask.
  const absl::Duration wait = std::min(progress.due - parts_.clock.WallNow(), absl::Hours(24));
  if (wait <= absl::ZeroDuration()) return lane.queue->AddReady(lane);
  BackOffUntil(lane, parts_.clock.Now() + wait);
}

void Dispatcher::SetHead(Lane& lane, const Waiting& head, HeadTries tries) {
  lane.head = head;
  lane.body = nullptr;
  lane.tries = std::move(tries);
  lane.tries.may_have_arrived |= head.may_have_arrived;
}

void Dispatcher::Loaded(const SpoolRowPtr& row) {
  auto asked = loading_.find(row->seq);
  if (asked == loading_.end()) return LoadedBatched(row);
  Lane* lane = lanes_.Find(asked->second);
  loading_.erase(asked);
  if (lane == nullptr || lane->head.seq != row->seq || lane->state != Lane::State::kLoading) return;
  lane->body = row;
  lane->queue->AddLoaded(*lane);
}

bool Dispatcher::Settle() {
  const MonoTime now = parts_.clock.Now();
  wall_now_ = parts_.clock.WallNow();
  in_flight_.Drain(&completed_);
  if (now - swept_ >= kSweepEvery) Sweep(now);
  for (const InFlight::Completed& completed : completed_) Judged(completed, now);
  if (!completed_.empty()) KeepQuotas();
  TakeDueRetries(now);
  TALLYBUS_FAULT_POINT("settle.judged");
  if (!progress_.empty()) parts_.spool.Note(progress_);
  if (!settled_.empty()) parts_.spool.Settle(settled_);
  progress_.clear();
  settled_.clear();
  in_flight_gauge_.Set(static_cast<int64_t>(in_flight_events_ + tests_.size()));
  waiting_gauge_.Set(static_cast<int64_t>(unsettled_ - in_flight_events_));
  lanes_gauge_.Set(static_cast<int64_t>(lanes_.size()));
  return !completed_.empty();
}

bool Dispatcher::Blocks() const {
  return std::any_of(queues_.begin(), queues_.end(), [](const auto& entry) {
    const EndpointQueue& queue = entry.second;
    return queue.is_full && queue.today != nullptr && queue.today->block_when_full;
  });
}

void Dispatcher::Sweep(MonoTime now) {
  swept_ = now;
  in_flight_.TakeOverdue(now + -kOverdueAfter, &completed_);
  for (LaneId lane : lanes_.Prune(now)) forgotten_.push_back(lane);
  if (backlog_.WantsCompaction()) {
    for (Lane& lane : lanes_.busy()) backlog_.Compact(lane.waiting);
  }
  for (auto& [name, queue] : queues_) {
    queue.waiting_gauge.Set(static_cast<int64_t>(queue.rows));
    KeepQuota(queue);
    if (!queue.is_full && std::exchange(queue.over_quota, false)) parts_.outcomes.OnEndpoint(queue);
  }
  if (now - aged_ < kAgeEvery) return;
  aged_ = now;
  GiveUpOldHeads(now);
}

// Those that no attempt will judge, because their endpoint has been away for too long.
void Dispatcher::GiveUpOldHeads(MonoTime now) {
  const absl::Time wall = parts_.clock.WallNow();
  for (Lane& lane : lanes_.busy()) {
    if (lane.state != Lane::State::kReady || lane.ephemeral || lane.queue->today == nullptr)
      continue;
    const absl::Duration waited = wall - absl::FromUnixSeconds(lane.head.accepted_s);
    if (OutlastedOutages(waited, OwnTime(lane, now))) lane.doomed = true;
  }
  for (auto& [name, queue] : queues_) queue.PutDoomedFirst();
}

absl::Duration Dispatcher::OwnTime(const Lane& lane, MonoTime now) const {
  if (!lane.tries.began) return lane.tries.own_time_before;
  return lane.tries.own_time_before + lane.queue->gate.OwnTime(lane.method, now) -
         *lane.tries.began;
}

// Its own time is counted by what it is held by: its method, or that of batches.
void Dispatcher::BeginTrying(Lane& lane, std::string_view method, MonoTime now) {
  if (lane.tries.began && lane.method == method) return;
  lane.tries.own_time_before = OwnTime(lane, now);
  lane.method = method;
  lane.tries.began = lane.queue->gate.OwnTime(method, now);
}

void Dispatcher::BackOffUntil(Lane& lane, MonoTime due) {
  lane.state = Lane::State::kBackingOff;
  lane.body = nullptr;
  lane.due = due;
  retries_.emplace(due, lane.id);
}

bool Dispatcher::Dispatch() {
  if (dispatch_stopped_) return false;
  const MonoTime now = dispatched_at_ = parts_.clock.Now();
  wall_now_ = parts_.clock.WallNow();
  bool any = false;
  for (auto& [name, queue] : queues_) any |= DispatchQueue(queue, now);
  if (!wanted_.empty()) {
    any = true;  // the answer may be here already
    parts_.spool.Load(std::exchange(wanted_, {}));
  }
  for (auto& [transport, deliveries] : deliveries_) {
    if (deliveries.empty()) continue;
    any = true;
    TALLYBUS_FAULT_POINT("router.dispatching");
    transport->Deliver(deliveries);
    deliveries.clear();
  }
  return any;
}

bool Dispatcher::DispatchQueue(EndpointQueue& queue, MonoTime now) {
  bool any = false;
  queue.ReleaseHeld(now);
  for (auto start = queue.NextToStart(now); start.lane != nullptr; start = queue.NextToStart(now)) {
    any = true;
    Lane* lane = start.lane;
    const SpoolRowPtr body = lane->body;
    if (body->event == nullptr) {
      damaged_.Add();
      Bury(*lane, *body, Settlement::Outcome::kGivenUp, "damaged on disk", now);
    } else if (lane->doomed) {
      Bury(*lane, *body, Settlement::Outcome::kGivenUp, "its endpoint was away for too long", now);
    } else if (start.permit == Permit::kDisabled) {
      Bury(*lane, *body, Settlement::Outcome::kGone, kEndpointDisabled, now);
    } else {
      OpenAttempt(start, now);
    }
  }
  while (Lane* lane = queue.NextToLoad(now)) {
    loading_[lane->head.seq] = lane->id;
    wanted_.push_back(lane->head.seq);
  }
  return DispatchBatches(queue, now) || any;
}

void Dispatcher::OpenAttempt(const EndpointQueue::Start& start, MonoTime now) {
  Lane& lane = *start.lane;
  EndpointQueue& queue = *lane.queue;
  HeadTries& tries = lane.tries;
  BeginTrying(lane, lane.body->event->method, now);
  ++tries.attempts;
  lane.state = Lane::State::kInFlight;
  if (!start.ahead) CountAttempt(queue, *lane.body, tries.attempts);
  Attempt attempt{.row = std::move(lane.body),
                  .route = queue.today,
                  .lane_key = lane.key,
                  .lane = lane.id,
                  .pass = queue.gate.Start(start.permit, lane.method, now, tries.failed_at),
                  .number = tries.attempts,
                  .redelivery = tries.may_have_arrived,
                  .reordered = tries.reordered || lane.passed > 0,
                  .deadline = now + queue.today->endpoint.timeout};
  attempt.want_answer = parts_.outcomes.WantsAnswer(*attempt.row);
  attempt.ahead = start.ahead;
  lane.body = nullptr;
  deliveries_[queue.today->transport].push_back(in_flight_.Open(std::move(attempt)));
  ++in_flight_events_;
}

void Dispatcher::CountAttempt(EndpointQueue& queue, const SpoolRow& row, int number) {
  queue.attempts.Add();
  parts_.outcomes.OnAttempt(row, number);
}

absl::Status Dispatcher::Test(EndpointQueue& queue, size_t place, Event event, Tested done) {
  Attempt attempt;
  attempt.pass.endpoint = place;
  attempt.row = RowOf(std::move(event));
  attempt.lane_key = kTestLane;
  return TryOutside(queue, std::move(attempt), std::move(done));
}

absl::Status Dispatcher::Ask(EndpointQueue& queue, Event call, Tested done) {
  Attempt attempt;
  attempt.row = RowOf(std::move(call));
  attempt.lane_key = attempt.row->event->session_id;
  attempt.is_call = true;
  attempt.want_answer = true;
  return TryOutside(queue, std::move(attempt), std::move(done));
}

absl::Status Dispatcher::TryOutside(EndpointQueue& queue, Attempt attempt, Tested done) {
  if (queue.today == nullptr || queue.today->transport == nullptr || dispatch_stopped_) {
    return absl::FailedPreconditionError(absl::StrCat(queue.route, " sends nothing now"));
  }
  const MonoTime now = parts_.clock.Now();
  tests_[++last_test_] = std::move(done);
  attempt.route = queue.today;
  attempt.pass.pass.started = now;
  attempt.deadline = now + queue.today->endpoint.timeout;
  attempt.test = last_test_;
  const Delivery delivery = in_flight_.Open(std::move(attempt));
  queue.today->transport->Deliver({&delivery, 1});
  return absl::OkStatus();
}

std::map<std::string, absl::Time> Dispatcher::OldestWaiting() const {
  std::map<std::string, absl::Time> oldest;
  const absl::Time now = parts_.clock.WallNow();
  for (const auto& [name, queue] : queues_) oldest[name] = now;
  for (const Lane& lane : lanes_.busy()) {
    if (lane.head.seq == 0 || lane.ephemeral) continue;
    absl::Time& at = oldest[lane.queue->route];
    at = std::min(at, absl::FromUnixSeconds(lane.head.accepted_s));
  }
  return oldest;
}

std::string_view Dispatcher::RouteOf(const SpoolRow& row) {
  const Lane* lane = lanes_.Find(row.lane);
  return lane == nullptr ? std::string_view() : std::string_view(lane->queue->route);
}

std::string_view Dispatcher::KeyOf(const SpoolRow& row) {
  const Lane* lane = lanes_.Find(row.lane);
  return lane == nullptr ? std::string_view() : std::string_view(lane->key);
}

absl::Duration Dispatcher::TimeoutOf(const SpoolRow& row) {
  const Lane* lane = lanes_.Find(row.lane);
  if (lane == nullptr || lane->queue->today == nullptr) return absl::Seconds(10);
  return lane->queue->today->endpoint.timeout;
}

bool Dispatcher::InOutage(const SpoolRow& row) {
  const Lane* lane = lanes_.Find(row.lane);
  return lane == nullptr || lane->queue->gate.InOutage(row.event->method, parts_.clock.Now());
}

int Dispatcher::AttemptsOf(const SpoolRow& row) {
  const Lane* lane = lanes_.Find(row.lane);
  return lane != nullptr && lane->head.seq == row.seq ? lane->tries.attempts : 0;
}

std::optional<MonoTime> Dispatcher::NextDue() const {
  std::optional<MonoTime> due;
  const auto at = [&due](MonoTime time) { due = due ? std::min(*due, time) : time; };
  if (in_flight_.open() > 0 || lanes_.size() > 0) at(swept_ + kSweepEvery);
  if (!retries_stopped_ && !retries_.empty()) at(retries_.top().first);
  if (dispatch_stopped_) return due;
  const MonoTime now = parts_.clock.Now();
  for (const auto& [name, queue] : queues_) {
    if (queue.rows == 0) continue;
    if (std::optional<MonoTime> next = queue.gate.NextDue(now)) at(*next);
    // One that was due when it was looked at waits for what wakes us by itself.
    if (queue.filling != nullptr && queue.filling->due() > dispatched_at_) at(queue.filling->due());
  }
  return due;
}

}  // namespace tallybus
