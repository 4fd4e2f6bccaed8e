// What the router says of failures: ErrorEvents for clients, alerts for operators.
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "codec/json_writer.h"
#include "router_line.h"
#include "tallybus/counted.h"

namespace tallybus {
namespace {

// An attempt that times out tells more than "waiting": its verdict is waited for this much longer.
// With the watch's grain it is half a second.
constexpr absl::Duration kWaitingGrace = absl::Milliseconds(400);
// The oldest event of a route is late after this; a live schedule has tried it for a while then.
constexpr absl::Duration kLate = absl::Minutes(5);
// What still holds of an earlier process's alerts shows within this: a breaker that would open
// again, an engine that drops.
constexpr absl::Duration kSeenWithin = absl::Minutes(1);
// Clients have gaps until none came for so long.
constexpr absl::Duration kGapsFor = absl::Minutes(1);
// The spool is filling from here on, in percent.
constexpr size_t kFilling = 80;

std::string_view NameOf(EndpointAlarm::Kind kind) {
  switch (kind) {
    case EndpointAlarm::Kind::kBreakerOpen:
      return "BreakerOpen";
    case EndpointAlarm::Kind::kHeld:
    case EndpointAlarm::Kind::kMethodHeld:
      return "EndpointHeld";
    case EndpointAlarm::Kind::kGone:
      return "EndpointGone";
  }
  return "";
}

constexpr int kUnauthorized = 401;
constexpr int kProxyAuthenticationRequired = 407;

// `others`: another endpoint of the route takes what this one does not.
std::string TextOf(const EndpointAlarm& alarm, bool others) {
  const std::string then = others ? "go to the route's other endpoints" : "wait";
  const std::string code = AnswerText(alarm.code, alarm.reason);
  const bool credentials =
      alarm.code == kUnauthorized || alarm.code == kProxyAuthenticationRequired;
  switch (alarm.kind) {
    case EndpointAlarm::Kind::kBreakerOpen:
      return absl::StrCat("the endpoint fails (", code, "); its events ", then);
    case EndpointAlarm::Kind::kHeld:
      return absl::StrCat("the endpoint refuses our ", credentials ? "credentials" : "events", " (",
                          code, "); its events ", then);
    case EndpointAlarm::Kind::kMethodHeld:
      return absl::StrCat("the endpoint does not take ", alarm.method, " (", code,
                          "); those events ", then);
    case EndpointAlarm::Kind::kGone:
      return absl::StrCat("the endpoint wants no more events; they ",
                          others ? then : "become dead letters", " until it is enabled");
  }
  return "";
}

// Whether the events of this endpoint go to another one of its route; those of one that is gone may
// have to wait there.
bool OthersTake(const EndpointQueue& queue, size_t place, bool gone) {
  for (size_t i = 0; i < queue.gate.size(); ++i) {
    const EndpointDecision::State state = queue.gate[i].decision().state;
    const bool takes =
        gone ? state != EndpointDecision::State::kDisabled
             : state == EndpointDecision::State::kOpen && queue.gate[i].Alarms().empty();
    if (i != place && takes) return true;
  }
  return false;
}

EndpointRecord RecordOf(const EndpointQueue& queue, size_t place, const Clock& clock) {
  const EndpointDecision& decision = queue.gate[place].decision();
  EndpointRecord record;
  record.route = queue.gate.KeyOf(queue.route, place);
  if (decision.state == EndpointDecision::State::kPaused) record.state = "paused";
  if (decision.state == EndpointDecision::State::kDisabled) {
    record.state = decision.gone ? "gone" : "disabled";
  }
  record.reason = decision.reason;
  record.author = decision.author;
  record.since = clock.WallNow() + (decision.since - clock.Now());
  return record;
}

Fate FateOf(Settlement::Outcome outcome) {
  switch (outcome) {
    case Settlement::Outcome::kDelivered:
      return Fate::kDelivered;
    case Settlement::Outcome::kFailed:
      return Fate::kFailedAnswer;
    case Settlement::Outcome::kGivenUp:
      return Fate::kGivenUp;
    case Settlement::Outcome::kRejected:
      return Fate::kRejected;
    case Settlement::Outcome::kGone:
      return Fate::kGone;
    case Settlement::Outcome::kShed:
      return Fate::kShed;
    case Settlement::Outcome::kCoalesced:
      return Fate::kCoalesced;
    case Settlement::Outcome::kReplayed:  // never told: the new row's way tells it
    case Settlement::Outcome::kDropped:
      break;
  }
  return Fate::kDropped;
}

EndpointState StateOf(const EndpointSnapshot& snapshot) {
  switch (snapshot.state) {
    case EndpointSnapshot::State::kBreakerOpen:
    case EndpointSnapshot::State::kProbing:
      return EndpointState::kBreakerOpen;
    case EndpointSnapshot::State::kHeld:
      return EndpointState::kHeld;
    case EndpointSnapshot::State::kPaused:
      return EndpointState::kPaused;
    case EndpointSnapshot::State::kDisabled:
      return EndpointState::kDisabled;
    case EndpointSnapshot::State::kReady:
    case EndpointSnapshot::State::kAskedToWait:
      break;
  }
  return EndpointState::kOpenForBusiness;
}

}  // namespace

void Router::Line::Bury(const RejectedRecord& rejected, Turn* turn) {
  const absl::Time now = parts.clock.WallNow();
  auto event = std::make_shared<Event>();
  event->id = rejected.id;
  event->time = now;
  event->method = kRejectedRecord;
  event->node_id = rejected.node_id;
  JsonObjectWriter writer(&event->json);
  writer.String("nodeId", rejected.node_id);
  writer.String("reason", rejected.reason);
  writer.String("recordBase64", absl::Base64Escape(rejected.bytes));
  writer.Close();
  auto row = std::make_shared<SpoolRow>();
  row->seq = ++last_seq_;
  row->event = std::move(event);
  row->accepted = now;
  Settlement settlement;
  settlement.seq = row->seq;
  settlement.outcome = Settlement::Outcome::kRejected;
  settlement.reason = absl::StrCat("the bus rejected it: ", rejected.reason);
  settlement.at = now;
  settlement.bytes = static_cast<uint32_t>(row->Bytes());
  turn->batch.dead.push_back({std::move(row), std::move(settlement)});
}

void Router::Line::Watch(const SpoolRow& row) {
  if (row.on_error != OnError::kFail) return;
  watch_.Watch(row.seq, parts.clock.Now(), dispatcher.TimeoutOf(row) + kWaitingGrace);
}

void Router::Line::OnAttempt(const SpoolRow& row, int attempt) {
  recorder.Attempted(row.seq, attempt, PassTime());
}

void Router::Line::OnAttemptFailed(const SpoolRow& row, const Failure& failure,
                                   std::optional<MonoTime> next) {
  const absl::Time now = parts.clock.WallNow();
  const std::string code = failure.http_status == 0 ? "" : absl::StrCat(failure.http_status, " ");
  last_errors[std::string(failure.route)] = {code + failure.info, now};
  AttemptFailure failed = {
      .attempt = failure.attempt, .http_status = failure.http_status, .info = failure.info};
  if (next) failed.next_attempt = now + (*next - parts.clock.Now());
  recorder.Failed(row.seq, failed, now);
  if (row.event->method == kStreamKeepAliveEvent) EndByBackend(row, failure);
  OpenGate(row.seq, GateEnd::kFailed);
  if (row.on_error != OnError::kFail) return;
  if (failure.final || watch_.ClaimFirst(row.seq)) TellOf(row, failure);
}

void Router::Line::OnBuried(const SpoolRow& row, const Failure& failure) {
  recorder.Buried(row.seq, failure.info);
  if (row.on_error == OnError::kFail) TellOf(row, failure);
}

void Router::Line::TellOf(const SpoolRow& row, const Failure& failure) {
  counters_.error_events.Add();
  own_events_.push_back({MakeErrorEvent(*row.event, failure, parts.clock.WallNow()), row.event});
}

void Router::Line::OnSettled(const Settlement& settlement) {
  watch_.Forget(settlement.seq);
  OpenGate(settlement.seq, GateEnd::kUnanswered);
  recorder.Settled(settlement.seq, FateOf(settlement.outcome), PassTime());
  // The spool may have nothing left to answer with.
  if (!waiting_asked_.empty()) waiting_asked_.erase(settlement.seq);
}

bool Router::Line::TakeLoads() {
  std::vector<std::vector<SpoolRowPtr>> loaded;
  loads.Drain(&loaded);
  for (const std::vector<SpoolRowPtr>& rows : loaded) {
    for (const SpoolRowPtr& row : rows) {
      if (row->event != nullptr && !recorder.Knows(row->seq)) Resume(*row);
      dispatcher.Loaded(row);
      if (waiting_asked_.empty()) continue;
      if (waiting_asked_.erase(row->seq) == 0 || row->event == nullptr) continue;
      TellOf(*row, Failure{.route = dispatcher.RouteOf(*row),
                           .http_status = 0,
                           .info = "waiting",
                           .attempt = dispatcher.AttemptsOf(*row),
                           .final = false});
    }
  }
  return !loaded.empty();
}

// An earlier process's row comes into the recorder when it is read.
void Router::Line::Resume(const SpoolRow& row) {
  recorder.Resumed(*row.event,
                   {.row = row.seq,
                    .route = dispatcher.RouteOf(row),
                    .lane = dispatcher.KeyOf(row),
                    .lane_sequence = row.lane_sequence,
                    .replayed = row.replays > 0,
                    .accepted = row.accepted},
                   parts.clock.WallNow());
}

// True where an ErrorEvent came of it, which the next turn takes.
bool Router::Line::AskForWaiting() {
  if (waiting_asked_.size() >= kWaitingAsked) return false;  // until the spool has answered
  const std::vector<SpoolSeq> due =
      watch_.ClaimDue(parts.clock.Now(), kWaitingAsked - waiting_asked_.size());
  if (due.empty()) return false;
  waiting_asked_.insert(due.begin(), due.end());
  parts.spool.Load(due);
  return TakeLoads();
}

void Router::Line::OnEndpoint(const EndpointQueue& queue) {
  RaiseEndpointAlerts(queue);
  OpenGatesOf(queue);
  blocked_.store(dispatcher.Blocks(), std::memory_order_relaxed);
  std::set<std::string> keys;
  for (size_t i = 0; i < queue.gate.size(); ++i) {
    const EndpointSnapshot snapshot = queue.gate[i].Snapshot(parts.clock.Now());
    EndpointRecord record = RecordOf(queue, i, parts.clock);
    keys.insert(record.route);
    recorder.EndpointChanged(queue.gate.NameOf(queue.route, i), StateOf(snapshot), snapshot.reason,
                             parts.clock.WallNow());
    EndpointRecord& known = decided_[record.route];
    if (known.state == record.state && known.reason == record.reason) continue;
    known = record;
    decisions_.push_back(std::move(record));
  }
  // Of endpoints that the route has no more, or under a key that they had: a restart is not to find
  // them.
  for (auto& [key, record] : decided_) {
    if (record.state.empty() || RouteOfEndpoint(key) != queue.route || keys.contains(key)) continue;
    record = EndpointRecord();
    record.route = key;
    decisions_.push_back(record);
  }
}

void Router::Line::RaiseEndpointAlerts(const EndpointQueue& queue) {
  const absl::Time now = parts.clock.WallNow();
  std::map<std::pair<std::string, std::string>, Alert> on;  // by name and subject
  for (size_t i = 0; i < queue.gate.size(); ++i) {
    for (const EndpointAlarm& alarm : queue.gate[i].Alarms()) {
      Alert alert;
      alert.name = NameOf(alarm.kind);
      alert.subject = queue.gate.NameOf(queue.route, i);
      alert.text = TextOf(alarm, OthersTake(queue, i, alarm.kind == EndpointAlarm::Kind::kGone));
      alert.waiting = queue.rows;
      on.try_emplace({alert.name, alert.subject}, std::move(alert));
    }
  }
  // Of endpoints that a reload took away too.
  for (const Alerts::Active& active : alerts.active()) {
    const auto& [name, subject] = std::tie(active.alert.name, active.alert.subject);
    const bool ours = name == "BreakerOpen" || name == "EndpointHeld" || name == "EndpointGone";
    if (!ours || RouteOfEndpoint(subject) != queue.route) continue;
    if (!on.contains({name, subject})) alerts.Resolve(name, subject, now);
  }
  for (const auto& [key, alert] : on) alerts.Raise(alert, now);
  Alert shedding;
  shedding.name = "RouteShedding";
  shedding.subject = queue.route;
  const bool blocks = queue.today != nullptr && queue.today->block_when_full;
  shedding.text = blocks ? "the route's quota of the spool is full; the engines wait"
                         : "the route's quota of the spool is full; its oldest events are shed";
  shedding.waiting = queue.rows;
  alerts.Set(queue.over_quota, shedding, now);
}

void Router::Line::CheckAlerts() {
  const absl::Time now = parts.clock.WallNow();
  const size_t max = parts.spool.MaxBytes();
  Alert filling;
  filling.name = "SpoolFilling";
  filling.subject = "spool";
  filling.critical = false;
  filling.text = absl::StrCat("the spool is over ", kFilling, " % full (spool.max_size)");
  alerts.Set(parts.spool.UsedBytes() > max / 100 * kFilling, filling, now);
  for (const auto& [route, oldest] : dispatcher.OldestWaiting()) {
    Alert late;
    late.name = "OldestEventLate";
    late.subject = route;
    late.critical = false;
    late.text = "the route's oldest event waits for more than 5 minutes";
    late.waiting = dispatcher.queues().at(route).rows;
    late.oldest = oldest;
    alerts.Set(now - oldest > kLate, late, now);
  }
  Alert dead;
  dead.name = "DeadLetters";
  dead.subject = "spool";
  dead.text = "there are dead letters: tallybus spool ls --state dead";
  alerts.Set(parts.spool.DeadLetterBytes() > 0, dead, now);
  CheckClients(now);
  if (parts.clock.Now() - started_ < kSeenWithin) return;
  const auto stays = [this](const Alert& alert) {
    return alert.name == "EngineLost" && IsLost(alert.subject);
  };
  alerts.ResolveUnseen(stays, now);
}

void Router::Line::CheckClients(absl::Time now) {
  uint64_t gaps = 0;
  for (const ClientChannel* channel : parts.clients) gaps += channel->gaps();
  Alert alert;
  alert.name = "ClientGaps";
  alert.subject = "clients";
  alert.critical = false;
  alert.text = "a client reads too slowly and misses messages; it sees the gap by their sequence";
  if (gaps != client_gaps_) {
    client_gaps_ = gaps;
    client_gap_at_ = parts.clock.Now();
    alerts.Raise(alert, now);
  } else if (parts.clock.Now() - client_gap_at_ >= kGapsFor) {
    alerts.Resolve(alert.name, alert.subject, now);
  }
}

bool Router::Line::TakeFaults() {
  std::vector<absl::Status> reported;
  faults.Drain(&reported);
  for (const absl::Status& status : reported) OnFault(status);
  return !reported.empty();
}

void Router::Line::OnFault(const absl::Status& status) {
  Alert fault;
  fault.name = "SpoolFault";
  fault.subject = "spool";
  fault.text = std::string(status.message());
  alerts.Set(!status.ok(), fault, parts.clock.WallNow());
}

void Router::NoteCredentials(const std::map<std::string, std::string>& ending) {
  const absl::Time now = line_->parts.clock.WallNow();
  Alert alert;
  alert.name = "CertificateExpires";
  alert.critical = false;
  for (const Alerts::Active& active : line_->alerts.active()) {
    if (active.alert.name != alert.name || ending.contains(active.alert.subject)) continue;
    line_->alerts.Resolve(alert.name, active.alert.subject, now);
  }
  for (const auto& [route, text] : ending) {
    alert.subject = route;
    alert.text = text;
    line_->alerts.Raise(alert, now);
  }
}

void Router::NoteReload(const absl::Status& taken) {
  Alert refused;
  refused.name = "ReloadFailed";
  refused.subject = "config";
  refused.critical = false;
  refused.text =
      absl::StrCat("the reload was refused, all stays as it was: ", std::string(taken.message()));
  line_->alerts.Set(!taken.ok(), refused, line_->parts.clock.WallNow());
}

}  // namespace tallybus
