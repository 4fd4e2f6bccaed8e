// Order: one lane of one route, with one event in flight at a time, and the table of all lanes.
#ifndef TALLYBUS_DELIVERY_LANE_H_
#define TALLYBUS_DELIVERY_LANE_H_

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delivery/backlog.h"
#include "delivery/coalescing.h"
#include "tallybus/clock.h"
#include "tallybus/spool.h"

namespace tallybus {

class Batch;
struct EndpointQueue;

// How the trying of a lane's head has gone so far.
struct HeadTries {
  int attempts = 0;                                       // on the wire
  int burnt = 0;                                          // of them, those that its schedule counts
  absl::Duration own_time_before = absl::ZeroDuration();  // of an earlier process
  std::optional<absl::Duration> began;                    // in the endpoint's own time
  bool may_have_arrived = false;                          // an attempt ended without an answer
  bool reordered = false;                                 // later events of its lane went before it
  uint32_t failed_at = 0;                                 // the gate of its last failure; 0: none
};

// [owner] All of it. As a list's node it is of 320 bytes, one of the allocator's sizes: a hundred
// thousand of them may rest.
struct Lane {
  enum class State {
    kIdle,        // nothing waits
    kReady,       // the head waits for its endpoint
    kVacant,      // in its turn like that, but a newer row takes the head's place once committed
    kLoading,     // the head's body is asked of the spool
    kLoaded,      // the head's body is here, for the next turn
    kInFlight,    // a transport has the head
    kBatched,     // the head and perhaps more are in a batch, which fills, waits or is in flight
    kBackingOff,  // the head waits for its next attempt
  };
  LaneId id = 0;
  std::string key;
  EndpointQueue* queue = nullptr;
  State state = State::kIdle;
  uint64_t next_sequence = 1;

  Waiting head;        // seq 0: none
  SpoolRowPtr body;    // of the head, while it is loaded
  std::string method;  // of the head, once it was tried
  HeadTries tries;
  Backlog::Line waiting;  // behind the head

  bool ephemeral = false;  // its head is of the moment
  bool doomed = false;     // its head is to be given up as soon as it is loaded
  int placed = 0;          // rows that are accepted and not yet committed: it must not rest
  bool stray = false;      // a head that later events passed: it has no lane but this one
  bool ended = false;      // its last event was terminal
  int passed = 0;          // strays of this lane that are still tried
  Lane* home = nullptr;    // of a stray
  uint64_t noted_in = 0;   // the batch that has its counter, and where in it
  size_t noted_at = 0;
  MonoTime idle_since;
  MonoTime due;  // of the head that backs off

  Batch* batch = nullptr;    // that it is in
  uint32_t batched = 0;      // rows of it there that are not settled
  uint32_t tried_along = 0;  // rows up to tried_through, the head among them
  // Those behind the head that `tries` tells of too, up to this row: they went in one batch. 0:
  // none.
  SpoolSeq tried_through = 0;

  std::unique_ptr<NewestRow> newest;  // nullptr unless its route coalesces
};

class LaneTable {
 public:
  // The lane, made where it is new; it stays at its address until it is forgotten.
  Lane& Get(EndpointQueue& queue, std::string_view key);
  // As an earlier process left it. It rests.
  Lane& Restore(EndpointQueue& queue, const LaneRecord& record, MonoTime now);
  // nullptr where it is not known; unlike Get, they do not call the lane back from its rest.
  Lane* Find(const EndpointQueue& queue, std::string_view key);
  Lane* Find(LaneId id);
  // A lane for the head alone, which later events of `home` pass.
  Lane& Stray(Lane& home);

  // Says that nothing of the lane waits any more. Unless a row is on its way, it is forgotten, with
  // its counter, an hour after a terminal event, a day after any other; a stray at once.
  void Rest(Lane& lane, MonoTime now);
  // Takes those that are forgotten; the spool forgets them as well.
  std::vector<LaneId> Prune(MonoTime now);
  size_t size() const { return by_key_.size(); }
  // Those that something waits in.
  std::list<Lane>& busy() { return busy_; }
  const std::list<Lane>& busy() const { return busy_; }

 private:
  using Lanes = std::list<Lane>;
  using Key = std::pair<const EndpointQueue*, absl::string_view>;  // refers into the lane
  // Few lanes of several routes have one name.
  struct KeyHash {
    size_t operator()(const Key& key) const {
      return absl::Hash<absl::string_view>()(key.second) + reinterpret_cast<uintptr_t>(key.first);
    }
  };
  Lane& Make(EndpointQueue& queue, std::string_view key, LaneId id);
  void CallBack(Lanes::iterator lane);
  void PruneList(Lanes& lanes, MonoTime before, std::vector<LaneId>* forgotten);

  Lanes busy_, resting_, ended_;  // the latter two by idle_since
  absl::flat_hash_map<Key, Lanes::iterator, KeyHash> by_key_;
  absl::flat_hash_map<LaneId, Lanes::iterator> by_id_;
  LaneId last_id_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_LANE_H_
