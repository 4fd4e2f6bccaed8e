// Which events under restOnError FAIL have had their first ErrorEvent, and which are due for one
// because they wait too long.
#ifndef TALLYBUS_DELIVERY_ERROR_WATCH_H_
#define TALLYBUS_DELIVERY_ERROR_WATCH_H_

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/spool.h"

namespace tallybus {

// [owner]
class ErrorWatch {
 public:
  // The event is due for an ErrorEvent "waiting" at `deadline` unless it settles before.
  void Watch(SpoolSeq seq, MonoTime deadline);
  // True once for each watched event: its non-final ErrorEvent may be sent.
  bool ClaimFirst(SpoolSeq seq);
  void Forget(SpoolSeq seq) { claimed_.erase(seq); }
  // Takes those whose deadline passed, that are watched still and unclaimed.
  std::vector<SpoolSeq> TakeDue(MonoTime now);
  std::optional<MonoTime> NextDue() const;

 private:
  using Due = std::pair<MonoTime, SpoolSeq>;
  absl::flat_hash_map<SpoolSeq, bool> claimed_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_ERROR_WATCH_H_
