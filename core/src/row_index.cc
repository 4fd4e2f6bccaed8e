// Runs of rows; a hash table for those that are out of step.
#include "row_index.h"

#include <algorithm>

namespace tallybus {

void RowIndex::Add(uint64_t row, uint64_t way) {
  if (!runs_.empty() && row <= last_row_) {
    others_[row] = way;
    return;
  }
  last_row_ = row;
  const bool in_step = !runs_.empty() && row - runs_.back().row == way - runs_.back().way;
  if (!in_step) runs_.push_back({row, way});
}

uint64_t RowIndex::Find(uint64_t row) const {
  if (!others_.empty()) {
    auto found = others_.find(row);
    if (found != others_.end()) return found->second;
  }
  if (row > last_row_ || runs_.empty()) return 0;
  const Run& last = runs_.back();
  if (row >= last.row) return last.way + (row - last.row);  // as of most
  auto after = std::upper_bound(runs_.begin(), runs_.end(), row,
                                [](uint64_t wanted, const Run& run) { return wanted < run.row; });
  if (after == runs_.begin()) return 0;
  const Run& run = *std::prev(after);
  return run.way + (row - run.row);
}

void RowIndex::Forget(uint64_t row, uint64_t way) {
  if (others_.empty()) return;
  auto found = others_.find(row);
  if (found != others_.end() && found->second == way) others_.erase(found);
}

void RowIndex::ForgetBefore(uint64_t first_way) {
  while (runs_.size() > 1 && runs_[1].way <= first_way) runs_.pop_front();
}

size_t RowIndex::MemoryBytes() const {
  constexpr size_t kNode = 512;  // libstdc++'s deque
  return (runs_.size() * sizeof(Run) / kNode + 2) * (kNode + 2 * sizeof(void*)) +
         others_.capacity() * (2 * sizeof(uint64_t) + 1);
}

}  // namespace tallybus
