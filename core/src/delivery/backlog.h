// The rows that wait, without their bodies: 32 bytes each, in order for each lane, and for each
// route those that may be shed.
#ifndef TALLYBUS_DELIVERY_BACKLOG_H_
#define TALLYBUS_DELIVERY_BACKLOG_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "block_queue.h"
#include "tallybus/spool.h"

namespace tallybus {

// One waiting row.
struct Waiting {
  SpoolSeq seq = 0;
  uint32_t bytes = 0;
  uint32_t accepted_s = 0;  // seconds since 1970
  bool terminal = false;
  bool may_have_arrived = false;
  bool replayed = false;  // an operator asked for it: it is not shed, nor are others for it
};

// A new row, which has its event.
Waiting AsWaiting(const SpoolRow& row);

// [owner] A slab: a row that leaves makes room for the next one.
class Backlog {
 public:
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  // The rows of one lane, first in, first out.
  struct Line {
    uint32_t first = kNone;
    uint32_t last = kNone;
    bool empty() const { return first == kNone; }
  };
  // The rows of one route that may be shed, the oldest first.
  struct Sheddable {
    uint32_t oldest = kNone;
    uint32_t newest = kNone;
  };

  void Push(Line& line, Sheddable& route, const Waiting& row);
  // Puts back what Pop took. Of those that may be shed it counts as the oldest.
  void PushFront(Line& line, Sheddable& route, const Waiting& row);
  static constexpr SpoolSeq kAll = std::numeric_limits<SpoolSeq>::max();
  // Takes the first one; nullopt where none waits, or where it is of more than `most_bytes`, or
  // behind row `through`.
  std::optional<Waiting> Pop(Line& line, Sheddable& route,
                             size_t most_bytes = std::numeric_limits<size_t>::max(),
                             SpoolSeq through = kAll);
  // Takes the last one, where it is `seq`.
  std::optional<Waiting> TakeLast(Line& line, Sheddable& route, SpoolSeq seq);
  // Takes the oldest one of the route that may be shed; its lane passes it over later.
  std::optional<Waiting> Shed(Sheddable& route);
  // Whether rows that were taken out of the middle cost more than a third of the memory: then each
  // lane's line wants to be compacted.
  bool WantsCompaction() const { return taken_ > kTakenKept && taken_ > size_ / 2; }
  void Compact(Line& line);
  size_t size() const { return size_; }

 private:
  struct Entry {
    SpoolSeq seq;
    uint32_t next;  // of its lane, or of the free ones
    uint32_t older;
    uint32_t newer;
    uint32_t accepted_s;
    uint32_t bytes : 27;
    uint32_t terminal : 1;
    uint32_t may_have_arrived : 1;
    uint32_t replayed : 1;
    uint32_t taken : 1;  // out of the middle of its lane
  };
  Waiting ValueOf(const Entry& entry) const;
  uint32_t NewEntry(const Waiting& row);
  void Unlink(Sheddable& route, uint32_t index);
  void Free(uint32_t index);

  BlockQueue<Entry> entries_;  // growing copies nothing
  uint32_t free_ = kNone;
  size_t size_ = 0;
  size_t taken_ = 0;
  static constexpr size_t kTakenKept = 1024;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_BACKLOG_H_
