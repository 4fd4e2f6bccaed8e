// The seam to the store of what is accepted and not yet settled.
#ifndef TALLYBUS_SPOOL_H_
#define TALLYBUS_SPOOL_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tallybus/event.h"
#include "tallybus/ingress.h"
#include "tallybus/policy.h"
#include "tallybus/route.h"
#include "tallybus/spool_records.h"

namespace tallybus {

using SpoolSeq = uint64_t;  // from 1, given by the router, in order of acceptance
using LaneId = uint64_t;    // from 1, given by the router

// One event for one route with the decision that was frozen at acceptance. Immutable.
struct SpoolRow {
  SpoolSeq seq = 0;
  EventPtr event;  // its json holds the very bytes to send: the route's exclusions are applied
  LaneId lane = 0;
  uint64_t lane_sequence = 0;
  OnError on_error = OnError::kLog;
  DeliveryMode delivery = DeliveryMode::kNotify;
  uint32_t coalesced = 0;  // older events of the lane that this one replaced
  uint32_t replays = 0;    // times that an operator asked for it again
  bool ephemeral = false;  // of the moment: tried once, never stored
  absl::Time accepted;

  // What it counts for in the size of a spool and in a route's quota.
  size_t Bytes() const;
};
using SpoolRowPtr = std::shared_ptr<const SpoolRow>;

// How far the trying of a row has come; it outlives the process.
struct Progress {
  SpoolSeq seq = 0;
  int attempts = 0;                                // on the wire
  int tries = 0;                                   // of them, those that its schedule counts
  absl::Duration own_time = absl::ZeroDuration();  // of trying, outages left out
  absl::Time due = absl::InfinitePast();           // of the next attempt
  bool may_have_arrived = false;
  bool reordered = false;  // later events of its lane went before it
};

// One lane's counter.
struct LaneRecord {
  LaneId id = 0;
  std::string route;  // name
  std::string key;
  uint64_t last_sequence = 0;
  bool ended = false;  // its last event was terminal
};

// Says that a row is done; only a definite outcome settles.
struct Settlement {
  enum class Outcome {
    kDelivered,
    kFailed,     // by an answer that settles all the same
    kGivenUp,    // dead letter, like the two below
    kRejected,   // the endpoint will never take it
    kGone,       // the endpoint takes nothing more
    kShed,       // its route's quota was full
    kCoalesced,  // a newer event took its place
    kReplayed,   // sent again, as a row of its own
    kDropped,    // by an operator
  };
  SpoolSeq seq = 0;
  Outcome outcome = Outcome::kDelivered;
  int attempts = 0;
  int http_status = 0;  // of the last attempt; 0: no answer
  std::string reason;   // of a dead letter: fixed words or the answer's phrase
  absl::Time at = absl::InfinitePast();
  uint32_t bytes = 0;          // of the row
  bool was_delivered = false;  // of what is replayed; else it was a dead letter

  bool IsDeadLetter() const {
    return outcome == Outcome::kGivenUp || outcome == Outcome::kRejected ||
           outcome == Outcome::kGone;
  }
};

// A row that is a dead letter from the first.
struct DeadRow {
  SpoolRowPtr row;
  Settlement settlement;
};

// One transaction.
struct SpoolBatch {
  std::vector<SpoolRowPtr> rows;
  std::vector<DeadRow> dead;
  std::vector<Settlement> settled;  // of others that `rows` take the place of
  std::vector<LaneRecord> lanes;
  std::vector<LaneId> forgotten_lanes;
  std::vector<PublisherRecord> publishers;
  std::vector<SessionChange> sessions;
  std::vector<LiveRecord> live;
  std::vector<EndpointRecord> endpoints;
  std::vector<AlertRecord> alerts;
  std::vector<Watermark> watermarks;  // told to the CommitListener; `publishers` keeps them

  bool empty() const;
  size_t Bytes() const;
};

class SpoolEvents {
 public:
  virtual ~SpoolEvents() = default;
  // [any thread] In the order of Append; may come before Append returns.
  virtual void OnCommitted(SpoolBatch batch) = 0;
  // [any thread] The rows that were asked for and still exist. One that is damaged comes without
  // its event; a store on disk says the same of one that is gone.
  virtual void OnLoaded(std::vector<SpoolRowPtr> rows) = 0;
  // [any thread] The store cannot take more for now, and why; OK: it can again.
  virtual void OnFault(absl::Status status) = 0;
};

// A row that waits, as a restart finds it; its body stays in the store.
struct WaitingRow {
  SpoolSeq seq = 0;
  LaneId lane = 0;
  uint32_t bytes = 0;
  bool terminal = false;
  bool replayed = false;  // an operator asked for it again
  absl::Time accepted;
  Progress progress;
};

// Takes what a store held when it was opened. Lanes come first; waiting rows come in order.
class SpoolReader {
 public:
  virtual ~SpoolReader() = default;
  // The highest number that any row has, waiting or not.
  virtual void TakeLast(SpoolSeq last) = 0;
  virtual void Take(LaneRecord lane) = 0;
  virtual void Take(const WaitingRow& row) = 0;
  virtual void Take(PublisherRecord publisher) = 0;
  virtual void Take(SessionChange session) = 0;
  virtual void Take(LiveRecord live) = 0;
  virtual void Take(EndpointRecord endpoint) = 0;
  virtual void Take(AlertRecord alert) = 0;  // before endpoints
};

// A row as it is shown to an operator.
struct StoredRow {
  enum class State { kWaiting, kDead, kDelivered };
  SpoolRowPtr row;  // its method is empty where it is damaged
  std::string route;
  std::string lane;
  State state = State::kWaiting;
  int attempts = 0;
  int http_status = 0;  // of the last attempt; a store keeps it for what is not waiting
  std::string reason;   // of a dead letter; the desk adds why a row waits
  absl::Time at;        // when it was settled
};

// Which rows are wanted; empty fields ask for all.
struct StoredFilter {
  bool waiting = false;
  bool dead = false;
  bool delivered = false;                   // what `retain` keeps
  absl::Time since = absl::InfinitePast();  // of the event's own time
  absl::Time until = absl::InfiniteFuture();
  std::string app;
  std::string stream;  // name or mediaSessionId
  std::string session;
  std::string route;
  std::string id;
  SpoolSeq after = 0;
  SpoolSeq through = std::numeric_limits<SpoolSeq>::max();
  size_t limit = 500;

  bool Fits(const StoredRow& stored) const;
};

// One page. Where `next` is not 0 there may be more: ask again after it.
struct StoredPage {
  std::vector<StoredRow> rows;
  SpoolSeq next = 0;
};
using StoredCallback = std::function<void(absl::StatusOr<StoredPage>)>;

// Never blocks but in Start and Stop; results come back through SpoolEvents.
class Spool {
 public:
  virtual ~Spool() = default;
  // [control] Before any other call. Gives all that an earlier process left to `reader`; an error
  // says what is wrong with the store and how it is mended.
  virtual absl::Status Start(SpoolEvents& events, SpoolReader& reader) = 0;
  virtual void Append(SpoolBatch batch) = 0;                     // [router]
  virtual void Settle(std::span<const Settlement> settled) = 0;  // [router]
  virtual void Note(std::span<const Progress> progress) = 0;     // [router]
  virtual void Load(std::span<const SpoolSeq> wanted) = 0;       // [router]
  // [control] Commits what was asked for, and says that nothing is under way. Nothing may be
  // called after it.
  virtual absl::Status Stop() = 0;
  virtual size_t UsedBytes() const = 0;  // [any thread]
  virtual size_t MaxBytes() const = 0;   // [any thread]
  // [any thread] Of UsedBytes, what is not committed yet: it is held in memory.
  virtual size_t PendingBytes() const = 0;
  // [any thread] Of UsedBytes, what dead letters hold.
  virtual size_t DeadLetterBytes() const = 0;
  // [router] The callback comes on any thread, perhaps before this returns. A page looks at a
  // bounded number of rows, and finds them as what was settled before has left them; not so where
  // the store is not healthy.
  virtual void Find(const StoredFilter& filter, StoredCallback callback) = 0;
  // [any thread] False while the store cannot take more, whatever its size.
  virtual bool Healthy() const = 0;
};

// Keeps everything in memory, up to max_bytes; forgets it with the process.
std::unique_ptr<Spool> NewMemorySpool(size_t max_bytes);

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_H_
