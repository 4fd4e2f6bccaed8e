// Dispatch and Settle, the last two steps of the straight line.
#include "delivery/dispatcher.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string_view>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

constexpr absl::Duration kSweepEvery = absl::Seconds(1);
// A transport completes by the deadline; past this it is not believed to.
constexpr absl::Duration kOverdueAfter = absl::Seconds(1);

std::string Describe(const SpoolRow& row) {
  return absl::StrCat(row.route->name, ": ", row.event->method, " ", row.event->id.ToString());
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
      lanes_gauge_(parts_.metrics.GetGauge("tallybus_lanes", "Lanes that are remembered")) {}

EndpointQueue& Dispatcher::QueueOf(const RoutePtr& route) {
  auto [found, is_new] = queues_.try_emplace(route->name);
  EndpointQueue& queue = found->second;
  if (!is_new) return queue;
  queue.route = route->name;
  const Metrics::Labels labels = {{"route", route->name}};
  queue.delivered = &parts_.metrics.GetCounter("tallybus_events_delivered_total",
                                               "Events that the endpoint took", labels);
  queue.failed = &parts_.metrics.GetCounter(
      "tallybus_events_failed_total", "Events settled by an answer that was a failure", labels);
  queue.given_up = &parts_.metrics.GetCounter("tallybus_events_given_up_total",
                                              "Events given up after their last attempt", labels);
  queue.attempts_failed =
      &parts_.metrics.GetCounter("tallybus_attempts_failed_total", "Attempts that failed", labels);
  return queue;
}

uint64_t Dispatcher::NextSequence(const RoutePtr& route, std::string_view lane) {
  return lanes_.Get(QueueOf(route), lane).next_sequence++;
}

void Dispatcher::Enqueue(const SpoolRowPtr& row) {
  Lane& lane = lanes_.Get(QueueOf(row->route), row->lane);
  ++unsettled_;
  if (lane.state == Lane::State::kIdle) {
    MakeReady(lane, row);
  } else {
    lanes_.PushWaiting(lane, row->seq);
  }
}

void Dispatcher::Loaded(const SpoolRowPtr& row) {
  Lane* lane = lanes_.Find(QueueOf(row->route), row->lane);
  if (lane == nullptr || lane->head_seq != row->seq) return;
  if (lane->state == Lane::State::kLoading) MakeReady(*lane, row);
}

void Dispatcher::MakeReady(Lane& lane, SpoolRowPtr head) {
  lane.head_seq = head->seq;
  lane.head = std::move(head);
  lane.state = Lane::State::kReady;
  lane.queue->ready.push_back(&lane);
}

bool Dispatcher::Settle() {
  const MonoTime now = parts_.clock.Now();
  in_flight_.Drain(&completed_);
  if (now - swept_ >= kSweepEvery) {
    swept_ = now;
    in_flight_.TakeOverdue(now + -kOverdueAfter, &completed_);
    lanes_.Prune(now);
  }
  for (const InFlight::Completed& completed : completed_) Judged(completed, now);
  TakeDueRetries(now);
  if (!settled_.empty()) parts_.spool.Settle(settled_);
  if (!wanted_.empty()) parts_.spool.Load(std::exchange(wanted_, {}));
  settled_.clear();
  in_flight_gauge_.Set(static_cast<int64_t>(in_flight_.open()));
  waiting_gauge_.Set(static_cast<int64_t>(unsettled_ - in_flight_.open()));
  lanes_gauge_.Set(static_cast<int64_t>(lanes_.size()));
  return !completed_.empty();
}

void Dispatcher::Judged(const InFlight::Completed& completed, MonoTime now) {
  const SpoolRow& row = *completed.row;
  const DeliveryResult& result = completed.result;
  Lane& lane = *completed.lane;
  --lane.queue->in_flight;
  const Trying trying = {.attempts = lane.attempts,
                         .for_time = now - lane.first_attempt,
                         .terminal = row.event->terminal,
                         .retry_after = result.retry_after};
  const Judgement judgement = Judge(row, result, trying);
  const bool again = judgement.then == Judgement::Then::kRetry;
  if (judgement.failed) Failed(row, lane, result, !again);
  if (again) {
    lane.state = Lane::State::kBackingOff;
    lane.may_have_arrived = lane.may_have_arrived || !result.never_sent;
    const double random = std::uniform_real_distribution<double>(0, 1)(random_);
    retries_.emplace(now + JitteredDelay(judgement.retry_step, trying, random), &lane);
  } else if (judgement.then == Judgement::Then::kGiveUp) {
    Advance(lane, row, Settlement::Outcome::kGivenUp, now);
  } else {
    Advance(lane, row,
            judgement.failed ? Settlement::Outcome::kFailed : Settlement::Outcome::kDelivered, now);
  }
}

void Dispatcher::Failed(const SpoolRow& row, const Lane& lane, const DeliveryResult& result,
                        bool final) {
  lane.queue->attempts_failed->Add();
  // An abandoned ticket brings no words.
  const std::string_view phrase = result.reason.empty() && result.remote_code == 0
                                      ? std::string_view("timed out")
                                      : std::string_view(result.reason);
  failure_log_.Write(
      LogLevel::kWarning,
      absl::StrCat(Describe(row), " attempt ", lane.attempts, " failed: ", result.remote_code, " ",
                   EscapedPrefix(phrase, 256),
                   result.status.ok() ? "" : absl::StrCat(" (", result.status.message(), ")"),
                   final ? "" : "; it will be tried again"));
  parts_.outcomes.OnFailure(row, Failure{.route = row.route->name,
                                         .http_status = result.remote_code,
                                         .info = FailureInfo(phrase, result.answer),
                                         .attempt = lane.attempts,
                                         .final = final});
}

void Dispatcher::Advance(Lane& lane, const SpoolRow& settled, Settlement::Outcome outcome,
                         MonoTime now) {
  switch (outcome) {
    case Settlement::Outcome::kDelivered:
      ++totals_.delivered;
      lane.queue->delivered->Add();
      break;
    case Settlement::Outcome::kFailed:
      ++totals_.failed;
      lane.queue->failed->Add();
      break;
    case Settlement::Outcome::kGivenUp:
      ++totals_.given_up;
      lane.queue->given_up->Add();
      given_up_log_.Write(LogLevel::kError, absl::StrCat(Describe(settled), " given up after ",
                                                         lane.attempts, " attempts"));
      break;
  }
  --unsettled_;
  settled_.push_back({settled.seq, outcome});
  parts_.outcomes.OnSettled(settled);
  lane.ended = settled.event->terminal;
  lane.head = nullptr;
  lane.attempts = 0;
  lane.may_have_arrived = false;
  lane.head_seq = lanes_.PopWaiting(lane);
  if (lane.head_seq == 0) {
    lanes_.Rest(lane, now);
  } else {
    lane.state = Lane::State::kLoading;
    wanted_.push_back(lane.head_seq);
  }
}

void Dispatcher::TakeDueRetries(MonoTime now) {
  while (!retries_stopped_ && !retries_.empty() && retries_.top().first <= now) {
    Lane& lane = *retries_.top().second;
    retries_.pop();
    MakeReady(lane, std::move(lane.head));
  }
}

bool Dispatcher::Dispatch(const RouteTable& today) {
  if (dispatch_stopped_) return false;
  const MonoTime now = parts_.clock.Now();
  for (auto& [name, queue] : queues_) DispatchQueue(queue, today, now);
  bool any = false;
  for (auto& [transport, deliveries] : deliveries_) {
    if (deliveries.empty()) continue;
    any = true;
    transport->Deliver(deliveries);
    deliveries.clear();
  }
  return any;
}

void Dispatcher::DispatchQueue(EndpointQueue& queue, const RouteTable& today, MonoTime now) {
  while (!queue.ready.empty()) {
    Lane& lane = *queue.ready.front();
    // A reload may have mended the URL: what waits goes where the route of this name points today.
    const SpoolRow& row = *lane.head;
    auto found = today.find(row.event->app_key);
    const bool same = found != today.end() && found->second->transport != nullptr &&
                      found->second->name == row.route->name;
    const RoutePtr& route = same ? found->second : row.route;
    if (queue.in_flight >= route->endpoint.max_connections) return;
    queue.ready.pop_front();
    OpenAttempt(lane, route, now);
  }
}

void Dispatcher::OpenAttempt(Lane& lane, const RoutePtr& route, MonoTime now) {
  if (lane.attempts++ == 0) lane.first_attempt = now;
  lane.state = Lane::State::kInFlight;
  ++lane.queue->in_flight;
  Attempt attempt{.row = lane.head,
                  .route = route,
                  .lane = &lane,
                  .filtered = {},
                  .number = lane.attempts,
                  .redelivery = lane.may_have_arrived,
                  .deadline = now + route->endpoint.timeout};
  if (lane.head->exclude) {
    attempt.filtered = WithoutFields(lane.head->event->json, lane.head->exclude);
  }
  Transport* transport = route->transport;
  deliveries_[transport].push_back(in_flight_.Open(std::move(attempt)));
}

int Dispatcher::AttemptsOf(const SpoolRow& row) {
  const Lane* lane = lanes_.Find(QueueOf(row.route), row.lane);
  return lane != nullptr && lane->head_seq == row.seq ? lane->attempts : 0;
}

std::optional<MonoTime> Dispatcher::NextDue() const {
  std::optional<MonoTime> due;
  if (in_flight_.open() > 0 || lanes_.size() > 0) due = swept_ + kSweepEvery;
  if (!retries_stopped_ && !retries_.empty() && (!due || retries_.top().first < *due)) {
    due = retries_.top().first;
  }
  return due;
}

void Dispatcher::AddTotals(RouterTotals* totals) const {
  totals->delivered = totals_.delivered;
  totals->failed = totals_.failed;
  totals->given_up = totals_.given_up;
  totals->in_flight = in_flight_.open();
  totals->waiting = unsettled_ - in_flight_.open();
  for (const Lane& lane : lanes_.busy()) {
    if (lane.may_have_arrived || lane.state == Lane::State::kInFlight) ++totals->unknown;
  }
}

}  // namespace tallybus
