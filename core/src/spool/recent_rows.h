// The rows that were accepted last, within a bound: most are wanted again soon, and need no
// reading.
#ifndef TALLYBUS_SPOOL_RECENT_ROWS_H_
#define TALLYBUS_SPOOL_RECENT_ROWS_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <deque>

#include "tallybus/spool.h"

namespace tallybus {

// [router] One thread.
class RecentRows {
 public:
  explicit RecentRows(size_t max_bytes) : max_bytes_(max_bytes) {}

  // The oldest ones go where there is no room.
  void Add(const SpoolRowPtr& row);
  void Forget(SpoolSeq seq);
  // nullptr where it is not here.
  SpoolRowPtr Find(SpoolSeq seq) const;

 private:
  const size_t max_bytes_;
  size_t bytes_ = 0;
  absl::flat_hash_map<SpoolSeq, SpoolRowPtr> by_seq_;
  std::deque<SpoolSeq> oldest_;
};

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_RECENT_ROWS_H_
