// Several events of several lanes that go in one request, and the parts of it that are left to try
// where the peer refuses it whole.
#ifndef TALLYBUS_DELIVERY_BATCH_H_
#define TALLYBUS_DELIVERY_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "delivery/backlog.h"
#include "tallybus/clock.h"
#include "tallybus/route.h"
#include "tallybus/spool.h"

namespace tallybus {

struct Lane;

// [owner] The rows of a lane stand in its order; a lane is in one batch at a time.
class Batch {
 public:
  struct Row {
    Lane* lane;
    Waiting what;
    SpoolRowPtr body;   // nullptr until it is loaded
    int attempts = 0;   // on the wire
    int burnt = 0;      // of them, those that its schedule counts
    bool done = false;  // settled
    MonoTime due;       // of its next attempt, where one failed
  };

  Batch(const BatchLimits& limits, MonoTime opened) : limits_(limits), opened_(opened) {}

  // While it fills. An event that is larger than a batch may be goes alone.
  bool HasRoomFor(size_t bytes) const {
    return rows_.empty() || (!IsFull() && bytes <= limits_.max_bytes - bytes_);
  }
  bool IsFull() const { return rows_.size() >= limits_.max_events || bytes_ >= limits_.max_bytes; }
  size_t room_bytes() const { return bytes_ < limits_.max_bytes ? limits_.max_bytes - bytes_ : 0; }
  MonoTime due() const { return opened_ + limits_.max_wait; }
  void Add(Row row);
  // The body of row number `index`, which was added without one.
  void SetBody(size_t index, SpoolRowPtr body);
  bool HasAllBodies() const { return missing_ == 0; }

  std::vector<Row>& rows() { return rows_; }
  // What the next request holds: all of it at first.
  std::span<Row> Part();
  // The part was refused: its first half is next, then the second. It holds more than one row.
  void Split();
  // The part is settled. False: nothing is left.
  bool NextPart();

 private:
  const BatchLimits limits_;
  const MonoTime opened_;
  std::vector<Row> rows_;
  size_t bytes_ = 0;
  size_t missing_ = 0;
  size_t begin_ = 0;
  std::vector<size_t> ends_;  // of the parts that are left but for the last one, nearest last
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_BATCH_H_
