// The seam between what lives and what comes: a watch begins at the point of the router's order at
// which its snapshot was taken. What came before is in the snapshot, what comes after is told.
#include "transports/web/audience.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace tallybus {
namespace {

constexpr char kGapsHelp[] =
    "Gaps that clients were told of: slow, it read too slowly; late, the web thread did; ring, "
    "what "
    "it would resume from was gone";

bool Has(const std::vector<WatchKey>& keys, const WatchKey& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

Gauge* KindGauge(Metrics& metrics, const char* kind) {
  return &metrics.GetGauge("tallybus_client_connections", "Clients that are connected",
                           {{"kind", kind}});
}

// What a snapshot weighs, for as long as a client has it.
struct Unread {
  std::vector<std::string> tails;
  std::shared_ptr<size_t> all;
  size_t bytes = 0;

  ~Unread() { *all -= bytes; }
};

Counter* SentCounter(Metrics& metrics, const char* kind) {
  return &metrics.GetCounter("tallybus_client_frames_total", "Messages written to web clients",
                             {{"kind", kind}});
}

}  // namespace

Audience::Audience(const Options& options, const Clock& clock, Metrics& metrics, Ask ask,
                   TurnIn turn_in, std::atomic<bool>& watching, std::function<void()> emptied)
    : options_(options),
      clock_(clock),
      metrics_(metrics),
      ask_(std::move(ask)),
      turn_in_(std::move(turn_in)),
      watching_(watching),
      emptied_(std::move(emptied)),
      ring_(options.replay_events, options.replay_bytes),
      by_kind_{KindGauge(metrics, "websocket"), KindGauge(metrics, "sse")},
      sent_{SentCounter(metrics, "websocket"), SentCounter(metrics, "sse")},
      watches_(metrics.GetGauge("tallybus_client_watches", "What web clients watch, all together")),
      slow_gaps_(metrics.GetCounter("tallybus_client_gaps_total", kGapsHelp, {{"reason", "slow"}})),
      late_gaps_(metrics.GetCounter("tallybus_client_gaps_total", "", {{"reason", "late"}})),
      ring_gaps_(metrics.GetCounter("tallybus_client_gaps_total", "", {{"reason", "ring"}})),
      dropped_(metrics.GetCounter(
          "tallybus_client_messages_dropped_total",
          "Client messages dropped; what a ZeroMQ subscriber misses until it has room again counts "
          "as one",
          {{"channel", "web"}})) {}

Audience::~Audience() = default;

void Audience::Join(ClientConnection* connection) {
  connection->number_ = ++last_number_;
  connections_.emplace(connection->number_, connection);
  by_kind_[static_cast<size_t>(connection->kind())]->Add(1);
}

void Audience::Leave(ClientConnection* connection) {
  if (connections_.erase(connection->number_) == 0) return;
  by_kind_[static_cast<size_t>(connection->kind())]->Add(-1);
  for (const WatchKey& key : connection->keys_) table_.Remove(key, connection);
  watches_.Set(static_cast<int64_t>(table_.size()));
  if (connection->dirty_) std::erase(dirty_, connection);
  if (connections_.empty()) emptied_();
}

void Audience::NoteClose(const ClientClose& why) {
  metrics_
      .GetCounter("tallybus_client_closes_total", "Ends of clients' connections, by reason",
                  {{"reason", std::string(why.reason)}})
      .Add();
}

void Audience::NoteSent(const ClientConnection& connection) {
  sent_[static_cast<size_t>(connection.kind())]->Add();
}

bool Audience::Watch(ClientConnection* connection, tallybus_v1::Watch watch) {
  const auto is_new = [&](const WatchKey& key) { return !Has(connection->keys_, key); };
  const auto added = std::count_if(watch.keys.begin(), watch.keys.end(), is_new);
  if (connection->keys_.size() + static_cast<size_t>(added) > tallybus_v1::kMostWatches) {
    return false;
  }
  connection->asked_ = true;
  watched_at_ = clock_.Now();
  waiting_.push_back({connection->number_, std::move(watch)});
  watching_.store(true, std::memory_order_release);
  AskNext();
  return true;
}

void Audience::Unwatch(ClientConnection* connection, const std::vector<WatchKey>& keys) {
  for (const WatchKey& key : keys) {
    if (std::erase(connection->keys_, key) > 0) table_.Remove(key, connection);
  }
  watches_.Set(static_cast<int64_t>(table_.size()));
}

// One question at a time, and a pause between two: what is asked meanwhile goes together into the
// next.
void Audience::AskNext() {
  if (!passing_.empty() || waiting_.empty() || turn_comes_) return;
  const MonoTime now = clock_.Now();
  if (chosen_at_ + options_.between_passes <= now) {
    chosen_at_ = now;
    std::vector<LiveFilter> filters = Choose();
    if (!passing_.empty()) {
      passed_at_ = now;
      return ask_(++pass_, std::move(filters));
    }
  }
  turn_comes_ = true;
  turn_in_(chosen_at_ + options_.between_passes - now);
}

// Who can be served in one pass goes from waiting_ to passing_, the others keep their order.
std::vector<LiveFilter> Audience::Choose() {
  std::vector<LiveFilter> filters;
  filters_.clear();
  const size_t most = *unread_ < options_.snapshot_bytes ? options_.pass_filters : 0;
  for (Request& request : std::exchange(waiting_, {})) {
    auto place = connections_.find(request.connection);
    if (place == connections_.end()) continue;
    const bool hopes = !request.ring_failed && ring_.After(request.watch.after).has_value();
    if (!hopes && filters.size() >= most) {
      waiting_.push_back(std::move(request));
      continue;
    }
    request.filter =
        hopes ? SIZE_MAX : FilterOf(request.watch, place->second->permissions_->app, &filters);
    passing_.push_back(std::move(request));
  }
  return filters;
}

size_t Audience::FilterOf(const tallybus_v1::Watch& watch, const std::string& within_app,
                          std::vector<LiveFilter>* filters) {
  std::string name = absl::StrCat(within_app.size(), ":", within_app);
  LiveFilter filter{.within_app = within_app};
  for (const WatchKey& key : watch.keys) {
    absl::StrAppend(&name, static_cast<int>(key.kind), ":", key.value.size(), ":", key.value);
    std::vector<std::string>& words = key.kind == WatchKey::Kind::kSession  ? filter.sessions
                                      : key.kind == WatchKey::Kind::kStream ? filter.streams
                                                                            : filter.apps;
    words.push_back(key.value);
  }
  auto [found, is_new] = filters_.try_emplace(std::move(name), filters->size());
  if (is_new) filters->push_back(std::move(filter));
  return found->second;
}

void Audience::Take(std::span<AudienceItem> items) {
  for (AudienceItem& item : items) {
    if (item.lost) {
      MissAll();
    } else if (item.message) {
      TakeEvent(item.message);
    } else {
      TakeFound(item);
    }
  }
  WakeAll();
  AskNext();
}

void Audience::TakeEvent(const ClientMessagePtr& message) {
  if (ring_follows_) ring_.Push(message);
  found_.clear();
  table_.Find(*message, &found_);
  for (ClientConnection* connection : found_) {
    if (!connection->permissions_->LetThrough(*message)) continue;
    const Watcher::Offered offered = connection->watcher().Offer(message);
    Soil(connection);
    if (offered == Watcher::Offered::kQueued) continue;
    dropped_.Add();
    if (offered == Watcher::Offered::kGapBegan) slow_gaps_.Add();
  }
}

void Audience::MissAll() {
  ring_.Clear();
  late_gaps_.Add();
  for (auto& [number, connection] : connections_) {
    if (connection->keys_.empty()) continue;
    connection->watcher().Miss();
    Soil(connection);
  }
}

void Audience::TakeFound(AudienceItem& item) {
  if (item.pass != pass_ || passing_.empty()) return;  // it came too late, and was asked again
  if (!std::exchange(ring_follows_, true)) ring_.Clear();
  std::vector<SnapshotPtr> snapshots(item.found.size());
  std::vector<Request> again;
  for (Request& request : std::exchange(passing_, {})) {
    if (!Begin(request, &snapshots, item.found)) again.push_back(std::move(request));
  }
  waiting_.insert(waiting_.begin(), std::make_move_iterator(again.begin()),
                  std::make_move_iterator(again.end()));
  watches_.Set(static_cast<int64_t>(table_.size()));
}

// False: what it would resume from went while the router was asked, and it needs a snapshot after
// all; or its own was postponed.
bool Audience::Begin(Request& request, std::vector<SnapshotPtr>* snapshots,
                     const std::vector<LiveStreams>& found) {
  auto place = connections_.find(request.connection);
  if (place == connections_.end()) return true;
  ClientConnection* connection = place->second;
  const auto after = request.ring_failed ? std::nullopt : ring_.After(request.watch.after);
  if (!after && (request.filter >= found.size() || found[request.filter].postponed)) {
    request.ring_failed = true;
    return false;
  }
  connection->asked_ = false;
  Watcher& watcher = connection->watcher();
  if (after) {
    auto replay = std::make_unique<Replay>();
    *replay = {*after, ring_.end(), request.watch.keys, connection->keys_,
               connection->permissions_};
    watcher.Resume(std::move(replay));
    connection->snapshot_at_ = MonoTime::Infinite();
  } else {
    if (!request.watch.after.empty()) {
      watcher.Miss();
      ring_gaps_.Add();
    }
    SnapshotPtr& snapshot = (*snapshots)[request.filter];
    if (!snapshot) snapshot = MakeSnapshot(found[request.filter]);
    watcher.Tell(snapshot);
    connection->snapshot_at_ = clock_.Now();
  }
  for (WatchKey& key : request.watch.keys) {
    if (Has(connection->keys_, key)) continue;
    table_.Add(key, connection);
    connection->keys_.push_back(std::move(key));
  }
  Soil(connection);
  return true;
}

SnapshotPtr Audience::MakeSnapshot(const LiveStreams& found) const {
  auto unread = std::make_shared<Unread>();
  unread->all = unread_;
  unread->tails = tallybus_v1::SnapshotTails(found);
  for (const std::string& tail : unread->tails) unread->bytes += tail.size();
  *unread_ += unread->bytes;
  return {unread, &unread->tails};
}

void Audience::Soil(ClientConnection* connection) {
  if (!std::exchange(connection->dirty_, true)) dirty_.push_back(connection);
}

void Audience::WakeAll() {
  for (ClientConnection* connection : std::exchange(dirty_, {})) {
    connection->dirty_ = false;
    connection->Wake();
  }
}

void Audience::Turn() {
  turn_comes_ = false;
  AskNext();
}

void Audience::Tick() {
  const MonoTime now = clock_.Now();
  for (const auto& [number, connection] : connections_) connection->Tick(now);
  if (!passing_.empty() && now - passed_at_ >= options_.asked_again) {
    waiting_.insert(waiting_.begin(), std::make_move_iterator(passing_.begin()),
                    std::make_move_iterator(passing_.end()));
    passing_.clear();
  }
  CloseSlowest(now);
  AskNext();
  Rest(now);
}

// The others' snapshots wait until there is room: nobody may keep it as long as he likes.
void Audience::CloseSlowest(MonoTime now) {
  if (waiting_.empty() || *unread_ < options_.snapshot_bytes) return;
  for (const auto& [number, connection] : connections_) {
    if (!connection->watcher().TellsState()) continue;
    if (now - connection->snapshot_at_ < options_.times.not_reading) continue;
    connection->Close(client_close::kNotReading, client_close::kNotReading.text);
  }
}

// Once nobody watches, and nobody is likely to come back for what it missed, the router's thread is
// spared the events.
void Audience::Rest(MonoTime now) {
  if (table_.size() > 0 || !passing_.empty()) watched_at_ = now;
  if (now - watched_at_ < options_.linger || !watching_.load(std::memory_order_relaxed)) return;
  watching_.store(false, std::memory_order_release);
  ring_follows_ = false;
  ring_.Clear();
}

void Audience::GoAway() {
  for (const auto& [number, connection] : connections_) connection->EndAfterAll();
}

}  // namespace tallybus
