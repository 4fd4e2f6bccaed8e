// What one client is still to be told, bounded: what it has no room for is dropped, and told as one
// gap.
#ifndef TALLYBUS_TRANSPORTS_WEB_WATCHER_H_
#define TALLYBUS_TRANSPORTS_WEB_WATCHER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "transports/web/client_message.h"
#include "transports/web/replay_ring.h"
#include "transports/web/watch_permissions.h"

namespace tallybus {

// The tails of a snapshot's frames.
using SnapshotPtr = std::shared_ptr<const std::vector<std::string>>;

// What a client that came back is to be told out of the ring.
struct Replay {
  uint64_t next = 0;  // positions of the ring
  uint64_t end = 0;
  std::vector<WatchKey> wanted;
  std::vector<WatchKey> had;  // was watched already: what fits these was told when it came
  WatchPermissionsPtr permissions = EveryPermission();
};

// The next frame; the views live as long as `owner`.
struct Outgoing {
  uint64_t sequence = 0;
  std::string_view name;
  std::string_view id;  // empty: it is no event
  std::string_view tail;
  std::shared_ptr<const void> owner;
};

// One thread.
class Watcher {
 public:
  struct Limits {
    size_t events = 256;
    size_t bytes = size_t{1} << 20;  // but for one event that is larger by itself
  };
  enum class Offered { kQueued, kGapBegan, kDropped };

  explicit Watcher(const Limits& limits) : limits_(limits) {}

  // After a gap it takes events again when half of the room is free: a client that is at its limit
  // sees few long gaps, not many short ones.
  Offered Offer(const ClientMessagePtr& message);
  // Something was dropped before it came here, nobody knows how much.
  void Miss();
  void Tell(SnapshotPtr snapshot);
  // "Resumed", and then what the ring has.
  void Resume(std::unique_ptr<Replay> replay);
  // nullopt: nothing waits.
  std::optional<Outgoing> Next(const ReplayRing& ring);
  // Forgets all that waits.
  void Drop();

  // A snapshot or a replay is still on its way.
  bool TellsState() const { return states_ > 0; }
  uint64_t sequence() const { return sequence_; }

 private:
  struct Gap {
    uint64_t missed = 0;
    bool unknown = false;
  };
  struct Resumed {};
  struct Piecewise {
    SnapshotPtr snapshot;
    size_t next = 0;
  };
  using Entry = std::variant<ClientMessagePtr, Gap, Piecewise, Resumed, std::unique_ptr<Replay>>;

  void Put(Entry entry);
  void PutGap();
  void Pop();
  bool HasRoom(size_t bytes) const;
  Outgoing TellEvent(const ClientMessagePtr& message);
  Outgoing TellText(std::string_view name, std::string text) const;
  Outgoing TellGap(const Gap& gap);
  Outgoing TellPiece(Piecewise& state);
  std::optional<Outgoing> TellReplay(Replay& replay, const ReplayRing& ring);

  const Limits& limits_;
  std::vector<Entry> queue_;  // from head_ on: most of the time empty, and then without memory
  size_t head_ = 0;
  size_t events_ = 0;
  size_t bytes_ = 0;
  size_t states_ = 0;
  uint64_t sequence_ = 0;
  std::optional<Gap> gap_;  // behind all that is queued
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_WATCHER_H_
