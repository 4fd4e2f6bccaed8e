// Order: one lane of one route, with one event in flight at a time, and the table of all lanes.
#ifndef TALLYBUS_DELIVERY_LANE_H_
#define TALLYBUS_DELIVERY_LANE_H_

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/metrics.h"
#include "tallybus/spool.h"

namespace tallybus {

struct Lane;

// What belongs to one endpoint alone: the lanes that may go now, and how many attempts it has.
struct EndpointQueue {
  std::string route;
  std::deque<Lane*> ready;  // in turn: a busy lane comes to the end after each event
  int in_flight = 0;
  Counter* delivered = nullptr;
  Counter* failed = nullptr;
  Counter* given_up = nullptr;
  Counter* attempts_failed = nullptr;
};

// [owner] All of it.
struct Lane {
  enum class State {
    kIdle,        // nothing waits
    kLoading,     // the head's row is asked of the spool
    kReady,       // the head waits for its endpoint
    kInFlight,    // a transport has the head
    kBackingOff,  // the head waits for its next attempt
  };
  std::string key;  // of the table
  EndpointQueue* queue = nullptr;
  State state = State::kIdle;
  uint64_t next_sequence = 1;
  SpoolSeq head_seq = 0;
  SpoolRowPtr head;  // none while idle or loading
  int attempts = 0;  // of the head
  MonoTime first_attempt;
  bool may_have_arrived = false;   // an attempt at the head ended without an answer
  bool ended = false;              // its last event was terminal
  uint32_t first_waiting = kNone;  // behind the head
  uint32_t last_waiting = kNone;
  MonoTime idle_since;

  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
};

class LaneTable {
 public:
  // The lane, made where it is new; it stays at its address until it is forgotten.
  Lane& Get(EndpointQueue& queue, std::string_view lane);
  // nullptr where it is not known; unlike Get, it does not call the lane back from its rest.
  Lane* Find(const EndpointQueue& queue, std::string_view lane);
  // Puts a sequence behind the head.
  void PushWaiting(Lane& lane, SpoolSeq seq);
  // Takes the next one; 0 where none waits.
  SpoolSeq PopWaiting(Lane& lane);
  // Says that nothing of the lane waits any more. It is forgotten, with its counter, an hour after
  // a terminal event, a day after any other.
  void Rest(Lane& lane, MonoTime now);
  void Prune(MonoTime now);
  size_t size() const { return by_key_.size(); }
  // Those that something waits in.
  const std::list<Lane>& busy() const { return busy_; }

 private:
  using Lanes = std::list<Lane>;
  struct WaitingRow {
    SpoolSeq seq;
    uint32_t next;
  };
  void PruneList(Lanes& lanes, MonoTime before);

  Lanes busy_, resting_, ended_;  // the latter two by idle_since
  absl::flat_hash_map<std::string, Lanes::iterator> by_key_;
  std::vector<WaitingRow> waiting_;
  uint32_t free_waiting_ = Lane::kNone;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_LANE_H_
