// Finds the way of a row. Both numbers grow, mostly in step, so that where one is follows from
// where another is.
#ifndef TALLYBUS_ROW_INDEX_H_
#define TALLYBUS_ROW_INDEX_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>

namespace tallybus {

class RowIndex {
 public:
  // `way` is larger than any before; a row that is known already has this one from now on.
  void Add(uint64_t row, uint64_t way);
  // The way that the row has if it has one: the caller looks whether that way is the row's. 0:
  // none.
  uint64_t Find(uint64_t row) const;
  // The way is forgotten.
  void Forget(uint64_t row, uint64_t way);
  // All ways before this one are.
  void ForgetBefore(uint64_t first_way);
  size_t MemoryBytes() const;

 private:
  // From `row` on, to the next run's, each row has the way after that of the row before it.
  struct Run {
    uint64_t row;
    uint64_t way;
  };
  std::deque<Run> runs_;                            // growing in both
  uint64_t last_row_ = 0;                           // of the last run
  absl::flat_hash_map<uint64_t, uint64_t> others_;  // that came after a larger one
};

}  // namespace tallybus

#endif  // TALLYBUS_ROW_INDEX_H_
