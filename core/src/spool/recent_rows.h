// The rows that were accepted or read last, within a bound: most are wanted soon, and need no
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
  // As Add: a row that was read before anybody asked for it.
  void AddAhead(const SpoolRowPtr& row);
  void Forget(SpoolSeq seq);
  struct Found {
    SpoolRowPtr row;  // nullptr where it is not here
    bool ahead = false;
  };
  Found Find(SpoolSeq seq) const;

 private:
  void Add(const SpoolRowPtr& row, bool ahead);

  const size_t max_bytes_;
  size_t bytes_ = 0;
  absl::flat_hash_map<SpoolSeq, Found> by_seq_;
  std::deque<SpoolSeq> oldest_;
};

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_RECENT_ROWS_H_
