// A connection is an epoch by its last HELLO.
#include "transports/zmq/publishers.h"

#include <algorithm>

namespace tallybus::zmq_transport {
namespace {

constexpr absl::Duration kSilent = absl::Seconds(10);
constexpr absl::Duration kKeepClosedSession = absl::Seconds(60);
constexpr absl::Duration kKeepAfterBye = absl::Minutes(1);
constexpr absl::Duration kKeepPublisher = absl::Hours(7 * 24);

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

Publisher& Publishers::Hello(const bus::Hello& hello, const std::string& peer, MonoTime now) {
  if (Publisher* before = FindPeer(peer); before && before->epoch != hello.epoch) {
    Disconnect(*before);
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
  publisher.peer = peer;
  publisher.said_bye = false;
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

Publisher* Publishers::OfSession(std::string_view session_id) {
  auto found = sessions_.find(Absl(session_id));
  return found == sessions_.end() ? nullptr : Find(found->second.epoch);
}

std::string_view Publishers::AppOfSession(std::string_view session_id) const {
  auto found = sessions_.find(Absl(session_id));
  if (found == sessions_.end()) return {};
  return found->second.app_key;
}

std::vector<std::string> Publishers::Prune(MonoTime now) {
  for (auto& [epoch, publisher] : by_epoch_) {
    if (!publisher.peer.empty() && now - publisher.heard > kSilent) Disconnect(publisher);
  }
  absl::erase_if(by_epoch_, [now](const auto& entry) {
    const Publisher& publisher = entry.second;
    const absl::Duration silent = now - publisher.heard;
    return publisher.peer.empty() &&
           (silent > kKeepPublisher || (publisher.said_bye && silent > kKeepAfterBye));
  });
  std::vector<std::string> left_open;
  absl::erase_if(sessions_, [&](const auto& entry) {
    const Session& session = entry.second;
    if (session.closed < now) return now - session.closed > kKeepClosedSession;
    if (by_epoch_.contains(session.epoch)) return false;
    left_open.push_back(entry.first);
    return true;
  });
  return left_open;
}

}  // namespace tallybus::zmq_transport
