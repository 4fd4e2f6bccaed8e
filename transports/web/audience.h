// All clients that are connected: what each watches, what it is told, what it may resume from.
#ifndef TALLYBUS_TRANSPORTS_WEB_AUDIENCE_H_
#define TALLYBUS_TRANSPORTS_WEB_AUDIENCE_H_

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/live_streams.h"
#include "tallybus/metrics.h"
#include "transports/web/client_connection.h"
#include "transports/web/connection_life.h"
#include "transports/web/replay_ring.h"
#include "transports/web/tallybus_v1.h"
#include "transports/web/watch_table.h"

namespace tallybus {

// What the router's thread hands over, in its order: an event, or what lives at this point, or
// that events were dropped here.
struct AudienceItem {
  bool lost = false;         // nothing else counts
  ClientMessagePtr message;  // null: `found` counts
  uint64_t pass = 0;
  std::vector<LiveStreams> found;
};

// [web] All calls.
class Audience {
 public:
  struct Options {
    Watcher::Limits queue;
    size_t replay_events = 4096;
    size_t replay_bytes = size_t{8} << 20;
    ConnectionLife::Times times;
    // What watches cost the router's thread: so many different ones in one pass, whose answers are
    // bounded by kMostLiveBytes together; and its time to itself between two passes.
    size_t pass_filters = 256;
    absl::Duration between_passes = absl::Milliseconds(50);
    // Snapshots that clients have not read yet, all together. No further pass looks for more while
    // there are as many; then who takes longer than not_reading to read his own is closed.
    size_t snapshot_bytes = size_t{64} << 20;
    absl::Duration asked_again = absl::Seconds(5);  // the router's answer was lost
    absl::Duration linger = absl::Minutes(5);       // events are kept for those that may come back
  };
  // Has an item come back with this pass, and one answer for each filter.
  using Ask = std::function<void(uint64_t pass, std::vector<LiveFilter> filters)>;
  // Has Turn called once, after so long.
  using TurnIn = std::function<void(absl::Duration wait)>;

  // `watching` says to the router's thread whether events are wanted at all. `emptied`: the last
  // client left.
  Audience(const Options& options, const Clock& clock, Metrics& metrics, Ask ask, TurnIn turn_in,
           std::atomic<bool>& watching, std::function<void()> emptied);
  ~Audience();

  const Options& options() const { return options_; }
  const Clock& clock() const { return clock_; }
  const ReplayRing& ring() const { return ring_; }

  void Join(ClientConnection* connection);
  void Leave(ClientConnection* connection);
  size_t size() const { return connections_.size(); }
  // Nothing more of it may be told; it leaves soon.
  void NoteClose(const ClientClose& why);
  void NoteSent(const ClientConnection& connection);

  // The connection is told what lives, or what it missed, and from there on each event. One watch
  // at a time: not while Busy. False: it would have more than kMostWatches.
  bool Watch(ClientConnection* connection, tallybus_v1::Watch watch);
  void Unwatch(ClientConnection* connection, const std::vector<WatchKey>& keys);
  static bool Asked(const ClientConnection& connection) { return connection.asked_; }
  static bool Busy(ClientConnection& connection) {
    return connection.asked_ || connection.watcher().TellsState();
  }

  void Take(std::span<AudienceItem> items);
  void Turn();
  void Tick();
  void GoAway();  // everybody, after what waits is told

  // [any thread] Gaps that began since a client read too slowly, or this thread did.
  uint64_t gaps() const { return slow_gaps_.Value() + late_gaps_.Value(); }

 private:
  struct Request {
    uint64_t connection;
    tallybus_v1::Watch watch;
    size_t filter = SIZE_MAX;  // of the pass; SIZE_MAX: it hopes for the ring
    bool ring_failed = false;
  };

  void AskNext();
  std::vector<LiveFilter> Choose();
  SnapshotPtr MakeSnapshot(const LiveStreams& found) const;
  void CloseSlowest(MonoTime now);
  size_t FilterOf(const tallybus_v1::Watch& watch, const std::string& within_app,
                  std::vector<LiveFilter>* filters);
  void TakeEvent(const ClientMessagePtr& message);
  void TakeFound(AudienceItem& item);
  bool Begin(Request& request, std::vector<SnapshotPtr>* snapshots,
             const std::vector<LiveStreams>& found);
  void MissAll();
  void Soil(ClientConnection* connection);
  void WakeAll();
  void Rest(MonoTime now);

  const Options options_;
  const Clock& clock_;
  Metrics& metrics_;
  const Ask ask_;
  const TurnIn turn_in_;
  std::atomic<bool>& watching_;
  const std::function<void()> emptied_;
  ReplayRing ring_;
  bool ring_follows_ = false;  // since the last pass every event came here
  WatchTable table_;
  absl::flat_hash_map<uint64_t, ClientConnection*> connections_;
  uint64_t last_number_ = 0;
  std::vector<Request> waiting_;  // for the next pass
  std::vector<Request> passing_;  // the router is asked for these
  uint64_t pass_ = 0;
  MonoTime passed_at_;
  // When waiting_ was looked through last.
  MonoTime chosen_at_ = MonoTime::AtOffset(-absl::InfiniteDuration());
  bool turn_comes_ = false;
  const std::shared_ptr<size_t> unread_ = std::make_shared<size_t>(0);  // bytes of snapshots
  absl::flat_hash_map<std::string, size_t> filters_;  // of the pass, by what they ask for
  std::vector<ClientConnection*> found_;
  std::vector<ClientConnection*> dirty_;
  MonoTime watched_at_;  // last
  Gauge* by_kind_[2];
  Counter* sent_[2];
  Gauge& watches_;
  Counter& slow_gaps_;
  Counter& late_gaps_;
  Counter& ring_gaps_;
  Counter& dropped_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_AUDIENCE_H_
