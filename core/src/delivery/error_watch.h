// Which events under restOnError FAIL have had no ErrorEvent yet, and which of them are due for one
// because they wait too long.
#ifndef TALLYBUS_DELIVERY_ERROR_WATCH_H_
#define TALLYBUS_DELIVERY_ERROR_WATCH_H_

#include <bitset>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/spool.h"

namespace tallybus {

// [owner] A bit for each row of the last seconds: what is due is claimed, and a million that wait
// on cost nothing.
class ErrorWatch {
 public:
  // A row may be due so much later than asked, which is what lets rows share a block.
  static constexpr absl::Duration kGrain = absl::Milliseconds(100);

  // The row, later than all before it, is due for an ErrorEvent "waiting" in `wait`, unless it is
  // claimed or forgotten.
  void Watch(SpoolSeq seq, MonoTime now, absl::Duration wait);
  // True once for each watched row: its non-final ErrorEvent may be sent.
  bool ClaimFirst(SpoolSeq seq);
  void Forget(SpoolSeq seq) { ClaimFirst(seq); }
  // Claims those that are due, `limit` at most.
  std::vector<SpoolSeq> ClaimDue(MonoTime now, size_t limit);
  std::optional<MonoTime> NextDue() const;

 private:
  static constexpr size_t kRows = 1024;
  struct Block {
    SpoolSeq first;
    MonoTime begun;
    std::bitset<kRows> unclaimed;
    size_t left = 0;  // bits that are set
  };
  // In the order of their rows. The front is never all claimed.
  using Blocks = std::deque<Block>;
  static bool Claim(Blocks& blocks, SpoolSeq seq);
  static void DropClaimed(Blocks& blocks);

  std::map<absl::Duration, Blocks> by_wait_;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_ERROR_WATCH_H_
