// A connection is an epoch by its last HELLO.
#include "transports/zmq/publishers.h"

#include <algorithm>

namespace tallybus::zmq_transport {
namespace {

// Heartbeats come each second.
constexpr absl::Duration kDoubtful = absl::Seconds(3);
constexpr absl::Duration kSilent = absl::Seconds(10);
constexpr absl::Duration kKeepClosedSession = absl::Seconds(60);
constexpr absl::Duration kKeepAfterBye = absl::Minutes(1);
constexpr absl::Duration kKeepPublisher = absl::Hours(7 * 24);

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

PublisherChange ChangeOf(const Publisher& publisher, PublisherChange::Action action) {
  return {action, SourceOfEpoch(publisher.epoch), publisher.epoch, publisher.node_id};
}

void Publishers::Restore(const PublisherRecord& record, MonoTime now, absl::Time wall) {
  Publisher& publisher = by_epoch_[record.epoch];
  publisher.epoch = record.epoch;
  publisher.node_id = record.node_id;
  publisher.expected = record.through + 1;
  publisher.durable_through = record.through;
  publisher.said_bye = record.state == PublisherRecord::State::kBye;
  publisher.lost = record.state == PublisherRecord::State::kLost;
  // One that was not lost yet has its grace anew; of the others the week goes on.
  publisher.heard = now;
  if (!publisher.said_bye && !publisher.lost) return;
  publisher.heard = now + -std::max(absl::ZeroDuration(), wall - record.last_seen);
}

Publisher& Publishers::Hello(const bus::Hello& hello, const std::string& peer, MonoTime now) {
  if (Publisher* before = FindPeer(peer); before && before->epoch != hello.epoch) {
    Disconnect(*before);
  }
  for (auto& [epoch, other] : by_epoch_) {
    other.superseded |= epoch != hello.epoch && other.node_id == hello.node_id;
  }
  auto [found, is_new] = by_epoch_.try_emplace(hello.epoch);
  Publisher& publisher = found->second;
  publisher.epoch = hello.epoch;
  // What lies before first_held, the engine cannot send: nobody waits for it.
  publisher.expected = std::max({publisher.expected, hello.first_held, uint64_t{1}});
  if (is_new) publisher.durable_through = publisher.expected - 1;
  if (!is_new && publisher.peer != peer) Disconnect(publisher);
  publisher.node_id = hello.node_id;
  publisher.app_key = hello.app_key;
  publisher.client_messages = hello.client_messages;
  publisher.dropped = std::max(publisher.dropped, hello.dropped);
  publisher.peer = peer;
  publisher.said_bye = publisher.lost = publisher.superseded = false;
  publisher.heard = now;
  by_peer_[peer] = hello.epoch;
  return publisher;
}

Publisher* Publishers::Find(uint64_t epoch) {
  auto found = by_epoch_.find(epoch);
  return found == by_epoch_.end() ? nullptr : &found->second;
}

Publisher* Publishers::FindPeer(const std::string& peer) {
  auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? nullptr : Find(found->second);
}

void Publishers::Disconnect(Publisher& publisher) {
  by_peer_.erase(publisher.peer);
  publisher.peer.clear();
}

void Publishers::NoteSession(uint64_t epoch, const SessionChange& change, MonoTime now) {
  if (change.action == SessionChange::Action::kClose) {
    auto found = sessions_.find(change.session_id);
    if (found != sessions_.end()) found->second.closed = now;
    return;
  }
  sessions_[change.session_id] = {epoch, change.app_key, MonoTime::Infinite()};
}

void Publishers::ForgetSession(std::string_view session_id) {
  auto found = sessions_.find(Absl(session_id));
  if (found != sessions_.end()) sessions_.erase(found);
}

Publisher* Publishers::OfSession(std::string_view session_id) {
  if (sessions_.empty() || session_id.empty()) return nullptr;
  auto found = sessions_.find(Absl(session_id));
  return found == sessions_.end() ? nullptr : Find(found->second.epoch);
}

std::string_view Publishers::AppOfSession(std::string_view session_id) const {
  if (sessions_.empty()) return {};  // a look at an empty table is a hash too many
  auto found = sessions_.find(Absl(session_id));
  if (found == sessions_.end()) return {};
  return found->second.app_key;
}

std::vector<Publisher> Publishers::TakeLost(MonoTime now, absl::Duration grace) {
  std::vector<Publisher> lost;
  for (auto& [epoch, publisher] : by_epoch_) {
    if (publisher.lost || publisher.said_bye) continue;
    const absl::Duration silent = now - publisher.heard;
    if (silent < grace && !(publisher.superseded && silent > kDoubtful)) continue;
    publisher.lost = true;
    lost.push_back(publisher);
  }
  return lost;
}

Publishers::Forgotten Publishers::Prune(MonoTime now) {
  Forgotten forgotten;
  for (auto& [epoch, publisher] : by_epoch_) {
    if (!publisher.peer.empty() && now - publisher.heard > kSilent) Disconnect(publisher);
  }
  absl::erase_if(by_epoch_, [&](const auto& entry) {
    const Publisher& publisher = entry.second;
    const absl::Duration silent = now - publisher.heard;
    const bool forget = publisher.peer.empty() &&
                        (silent > kKeepPublisher || (publisher.said_bye && silent > kKeepAfterBye));
    if (forget) forgotten.publishers.push_back(publisher);
    return forget;
  });
  absl::erase_if(sessions_, [&](const auto& entry) {
    const Session& session = entry.second;
    if (session.closed < now) return now - session.closed > kKeepClosedSession;
    if (by_epoch_.contains(session.epoch)) return false;
    forgotten.sessions.push_back(entry.first);
    return true;
  });
  return forgotten;
}

}  // namespace tallybus::zmq_transport
