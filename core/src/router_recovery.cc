// Engines that come, go and are lost, and what a new process takes over from an earlier one.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "router_line.h"
#include "tallybus/codec.h"
#include "tallybus/counted.h"

namespace tallybus {
namespace {

constexpr char kEngineLost[] = "engine lost";
constexpr char kEngineClosed[] = "engine closed";
// Beside what is live of an open-bus node: that it sends heartbeats. The record's text is its id.
constexpr char kBeats[] = "heartbeat";
// Heartbeats come each second: an engine that drops says so again before this has passed.
constexpr absl::Duration kDroppingFor = absl::Minutes(1);

}  // namespace

void Router::Line::Take(PublisherRecord publisher) {
  live_.Name(SourceOfEpoch(publisher.epoch), publisher.node_id);
  publishers_[publisher.epoch] = publisher;
  recovered.push_back(std::move(publisher));
}

void Router::Line::Take(SessionChange session) {
  sessions.Apply(session, parts.clock.Now());
  if (session.epoch == 0) return left_sessions_.push_back(std::move(session.session_id));
  live_.NoteSession(SourceOfEpoch(session.epoch), session);
}

void Router::Line::Take(LiveRecord live) {
  if (HeldEvents::IsOne(live)) return held_.Take(std::move(live));
  if (live.key != kBeats) return live_.Take(std::move(live), parts.clock.Now());
  beating_nodes_.insert(live.source);
  recovered_nodes.push_back(std::move(live.json));
}

void Router::Line::Take(EndpointRecord endpoint) {
  dispatcher.Restore(endpoint);
  RaiseEndpointAlerts(*dispatcher.FindQueue(RouteOfEndpoint(endpoint.route)));
  decided_[endpoint.route] = std::move(endpoint);
}

// The publisher's name in the table of what is live. Of events of one epoch after another, one.
const std::string& Router::Line::SourceOf(const Event& event) {
  if (event.id.epoch == 0) {
    last_source_ = {0, SourceOfNode(event.node_id)};
  } else if (event.id.epoch != last_source_.first) {
    last_source_ = {event.id.epoch, SourceOfEpoch(event.id.epoch)};
  }
  return last_source_.second;
}

void Router::Line::NoteWatermark(const Watermark& watermark, SpoolBatch* batch) {
  PublisherRecord record = publishers_[watermark.epoch];
  record.epoch = watermark.epoch;
  record.through = std::max(record.through, watermark.through);
  NotePublisher(std::move(record), batch);
  batch->watermarks.push_back(watermark);
}

void Router::Line::NotePublisher(PublisherRecord record, SpoolBatch* batch) {
  record.last_seen = parts.clock.WallNow();
  publishers_[record.epoch] = record;
  const auto same = std::find_if(batch->publishers.begin(), batch->publishers.end(),
                                 [&](const auto& other) { return other.epoch == record.epoch; });
  if (same != batch->publishers.end()) batch->publishers.erase(same);
  batch->publishers.push_back(std::move(record));
}

void Router::Line::TakePublisher(const PublisherChange& change, Turn* turn) {
  using Action = PublisherChange::Action;
  if (change.action == Action::kDropped) return NoteDrops(change);
  if (change.epoch == 0) NoteBeats(change, turn);
  switch (change.action) {
    case Action::kHello:
      live_.Name(change.source, change.node_id);
      for (Event& status : live_.Return(change.source, parts.clock.WallNow(), &turn->batch.live)) {
        if (keeps_alive_ && status.method == kStreamStatusEvent) Follow(change.source, status);
        TakeInOrder(change.source, std::move(status), turn);
      }
      if (change.epoch != 0) SupersedeEarlier(change, turn);
      alerts.Resolve("EngineLost", change.node_id, parts.clock.WallNow());
      break;
    case Action::kBye:
      EndAll(change, kEngineClosed, false, turn);
      break;
    case Action::kLost:
      EndAll(change, kEngineLost, true, turn);
      break;
    case Action::kForgotten:
      Forget(change.source, change.epoch, live_.SessionsOf(change.source), turn);
      alerts.Resolve("EngineLost", change.node_id, parts.clock.WallNow());
      break;
    case Action::kDropped:
      break;  // above
  }
  if (change.epoch == 0) return;
  PublisherRecord record = publishers_[change.epoch];
  record.epoch = change.epoch;
  record.node_id = change.node_id;
  record.state = change.action == Action::kHello  ? PublisherRecord::State::kOpen
                 : change.action == Action::kBye  ? PublisherRecord::State::kBye
                 : change.action == Action::kLost ? PublisherRecord::State::kLost
                                                  : PublisherRecord::State::kForgotten;
  NotePublisher(std::move(record), &turn->batch);
  if (change.action == Action::kForgotten) publishers_.erase(change.epoch);
}

void Router::Line::TakeSession(SessionChange&& change, Turn* turn) {
  if (change.epoch != 0) {
    const std::string source = SourceOfEpoch(change.epoch);
    if (change.action == SessionChange::Action::kOpen) {
      EndSuperseded(source, change.session_id, turn);
    }
    live_.NoteSession(source, change);
  }
  if (change.action == SessionChange::Action::kClose) held_.NoteClosed(change.session_id);
  sessions.Apply(change, parts.clock.Now());
  turn->batch.sessions.push_back(std::move(change));
}

// Its client is gone, whether or not its engine says so. What was told for a lost engine is no such
// end: that one may come back.
void Router::Line::CloseSessionOf(const Event& end, Turn* turn) {
  if (end.from_router || !sessions.IsOpen(end.session_id)) return;
  const uint64_t epoch = publishers_.contains(end.id.epoch) ? end.id.epoch : 0;
  TakeSession({SessionChange::Action::kClose, end.session_id, "", std::nullopt, epoch}, turn);
}

void Router::Line::ForgetSilentSessions() {
  Turn turn;
  for (std::string& id : sessions.Prune(housekept_)) {
    live_.ForgetSession(id);
    if (parts.engines != nullptr) parts.engines->ForgetSession(id);
    turn.batch.sessions.push_back({SessionChange::Action::kClose, std::move(id), "", {}, 0});
  }
  if (!turn.batch.empty()) Append(std::move(turn));
}

void Router::Line::NoteBeats(const PublisherChange& change, Turn* turn) {
  const bool beats = change.action == PublisherChange::Action::kHello;
  const bool changed =
      beats ? beating_nodes_.insert(change.source).second : beating_nodes_.erase(change.source) > 0;
  if (changed) turn->batch.live.push_back({change.source, kBeats, beats ? change.node_id : ""});
}

void Router::Line::EndAll(const PublisherChange& change, std::string_view info, bool lost,
                          Turn* turn) {
  const std::vector<std::string> sessions_left = live_.SessionsOf(change.source);
  // Where the node is back already under another epoch, nobody need get up, and nobody returns.
  const bool back = std::any_of(publishers_.begin(), publishers_.end(), [&](const auto& entry) {
    return entry.first != change.epoch && entry.second.node_id == change.node_id &&
           entry.second.state == PublisherRecord::State::kOpen;
  });
  const bool may_return = lost && !back;
  std::vector<Event> ends;
  if (parts.end_lost_streams) {
    ends = live_.End(change.source, info, may_return, parts.clock.WallNow(), &turn->batch.live);
  }
  if (may_return && !ends.empty()) {
    Alert alert;
    alert.name = "EngineLost";
    alert.subject = change.node_id;
    alert.text = absl::StrCat("the engine is not heard of any more; ended in its place: ",
                              Counted(ends.size(), "stream or session"));
    alerts.Raise(alert, parts.clock.WallNow());
  }
  counters_.ends_made.Add(ends.size());
  for (Event& end : ends) TakeInOrder(change.source, std::move(end), turn);
  if (!may_return) return Forget(change.source, change.epoch, sessions_left, turn);
  if (!parts.end_lost_streams) live_.Forget(change.source, &turn->batch.live);
}

// What is live of it, and its sessions: those had no end of their own that would close them.
void Router::Line::Forget(const std::string& source, uint64_t epoch,
                          const std::vector<std::string>& sessions_left, Turn* turn) {
  for (const std::string& id : sessions_left) {
    SessionChange close{SessionChange::Action::kClose, id, "", std::nullopt, epoch};
    held_.NoteClosed(id);
    sessions.Apply(close, parts.clock.Now());
    turn->batch.sessions.push_back(std::move(close));
  }
  live_.Forget(source, &turn->batch.live);
}

// Of an earlier epoch of the node: what was told as lost is kept for its return, which is over.
void Router::Line::SupersedeEarlier(const PublisherChange& change, Turn* turn) {
  for (const auto& [epoch, publisher] : publishers_) {
    if (epoch == change.epoch || publisher.node_id != change.node_id) continue;
    if (publisher.state != PublisherRecord::State::kLost) continue;
    const std::string earlier = SourceOfEpoch(epoch);
    Forget(earlier, epoch, live_.SessionsOf(earlier), turn);
  }
  if (parts.end_lost_streams) live_.Supersede(change.source);
}

// Within the seconds until it is certain that an engine was replaced, its next one may begin the
// stream or open the session that it held: the end comes first, or the lane would end with it.
void Router::Line::EndSuperseded(const std::string& source, const std::string& lane, Turn* turn) {
  std::optional<Event> end =
      live_.EndSuperseded(source, lane, kEngineLost, parts.clock.WallNow(), &turn->batch.live);
  if (!end) return;
  counters_.ends_made.Add();
  TakeInOrder(source, *std::move(end), turn);
}

bool Router::Line::IsLost(const std::string& node_id) const {
  const bool engine = std::any_of(publishers_.begin(), publishers_.end(), [&](const auto& entry) {
    return entry.second.node_id == node_id && entry.second.state == PublisherRecord::State::kLost;
  });
  return engine || live_.HasLost(SourceOfNode(node_id));
}

void Router::Line::NoteDrops(const PublisherChange& change) {
  dropped_at_[change.node_id] = parts.clock.Now();
  Alert alert;
  alert.name = "EngineDropping";
  alert.subject = change.node_id;
  alert.text = absl::StrCat("the engine's ring was full: it dropped ",
                            Counted(change.dropped, "event"), ", and perhaps more since");
  alerts.Raise(alert, parts.clock.WallNow());
}

void Router::Line::ForgetDrops() {
  absl::erase_if(dropped_at_, [this](const auto& entry) {
    if (parts.clock.Now() - entry.second < kDroppingFor) return false;
    alerts.Resolve("EngineDropping", entry.first, parts.clock.WallNow());
    return true;
  });
}

void Router::Line::EndStaleStreams() {
  if (!parts.end_lost_streams) return;
  const auto limit = [this](std::string_view app) -> std::optional<absl::Duration> {
    auto found = routes->by_app.find(app);
    if (found == routes->by_app.end()) return std::nullopt;
    if (found->second->stale_after == absl::InfiniteDuration()) return std::nullopt;
    return found->second->stale_after;
  };
  const auto watched = [this](const std::string& source) {
    return beating_nodes_.contains(source);
  };
  Turn turn;
  std::vector<Event> ends =
      live_.EndStale(limit, watched, parts.clock.Now(), parts.clock.WallNow(), &turn.batch.live);
  if (ends.empty()) return;
  counters_.ends_made.Add(ends.size());
  for (Event& end : ends) TakeInOrder(SourceOfNode(end.node_id), std::move(end), &turn);
  Append(std::move(turn));
}

}  // namespace tallybus
