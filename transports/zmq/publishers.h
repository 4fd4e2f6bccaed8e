// What is known of each engine on the acknowledged bus: what it may send, and what it opened.
#ifndef TALLYBUS_ZMQ_PUBLISHERS_H_
#define TALLYBUS_ZMQ_PUBLISHERS_H_

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/codec.h"
#include "tallybus/spool.h"

namespace tallybus::zmq_transport {

// One opening of an engine's publisher, named by its epoch.
struct Publisher {
  uint64_t epoch = 0;
  std::string node_id;
  std::string app_key;
  bool client_messages = false;
  std::string peer;  // routing id of its connection; empty: not connected
  uint64_t expected = 1;
  uint64_t durable_through = 0;
  uint64_t send_through = 0;
  bool starved = false;  // its events found no room; it is told to send them again when there is
  // To an engine each message costs more than its event did: a commit is told soon, and at once
  // where the engine waits for it.
  bool ack_at_once = false;
  uint64_t told_through = 0;  // of durable_through
  MonoTime told = MonoTime::AtOffset(-absl::InfiniteDuration());
  size_t record_bytes = 0;  // about, of its last ones
  uint64_t dropped = 0;     // events for which its ring had no room, as far as was told
  bool said_bye = false;
  bool lost = false;        // its streams were ended in its place
  bool superseded = false;  // its node has opened another since
  MonoTime resync_sent;     // not asked again at once for the same gap
  uint64_t resync_for = 0;
  MonoTime heard;
};

// What the router is told of it.
PublisherChange ChangeOf(const Publisher& publisher, PublisherChange::Action action);

// One thread.
class Publishers {
 public:
  // What an earlier process knew; not connected. `wall` is the same moment as `now`.
  void Restore(const PublisherRecord& record, MonoTime now, absl::Time wall);
  // Takes a HELLO from the connection `peer`. A new epoch begins at its first_held.
  Publisher& Hello(const bus::Hello& hello, const std::string& peer, MonoTime now);
  // nullptr where the epoch said no HELLO.
  Publisher* Find(uint64_t epoch);
  // The one that is connected as `peer`; nullptr where none is.
  Publisher* FindPeer(const std::string& peer);
  // The connection is gone; what is known of the publisher stays.
  void Disconnect(Publisher& publisher);

  void NoteSession(uint64_t epoch, const SessionChange& change, MonoTime now);
  void ForgetSession(std::string_view session_id);
  // The publisher that opened the session; nullptr where none is known.
  Publisher* OfSession(std::string_view session_id);
  // Empty where the session is unknown.
  std::string_view AppOfSession(std::string_view session_id) const;

  // Those not heard of for `grace`, or whose node has opened another since and that are silent:
  // each once, until it says HELLO again.
  std::vector<Publisher> TakeLost(MonoTime now, absl::Duration grace);

  struct Forgotten {
    std::vector<Publisher> publishers;
    std::vector<std::string> sessions;  // that they left open
  };
  // Forgets connections silent for 10 s, sessions closed for 60 s, publishers a minute after their
  // BYE and a week after their last word.
  Forgotten Prune(MonoTime now);

  auto begin() { return by_epoch_.begin(); }
  auto end() { return by_epoch_.end(); }
  size_t connected() const { return by_peer_.size(); }

 private:
  struct Session {
    uint64_t epoch = 0;
    std::string app_key;
    MonoTime closed = MonoTime::Infinite();
  };
  absl::flat_hash_map<uint64_t, Publisher> by_epoch_;
  absl::flat_hash_map<std::string, uint64_t> by_peer_;
  absl::flat_hash_map<std::string, Session> sessions_;
};

}  // namespace tallybus::zmq_transport

#endif  // TALLYBUS_ZMQ_PUBLISHERS_H_
