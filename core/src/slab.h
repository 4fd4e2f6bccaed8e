// Values under numbers: the number of one that is gone is given to the next.
#ifndef TALLYBUS_SLAB_H_
#define TALLYBUS_SLAB_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "block_queue.h"

namespace tallybus {

// [owner] As large as it was at most; no memory before the first value.
template <typename T>
class Slab {
 public:
  // Numbers are from 1. The value is as if it were the first.
  uint32_t Add() {
    if (free_.empty()) {
      values_.emplace_back();
      return static_cast<uint32_t>(values_.size());
    }
    const uint32_t number = free_.back();
    free_.pop_back();
    (*this)[number] = T();
    return number;
  }
  void Remove(uint32_t number) { free_.push_back(number); }
  T& operator[](uint32_t number) { return values_[number - 1]; }
  const T& operator[](uint32_t number) const { return values_[number - 1]; }

  size_t size() const { return values_.size() - free_.size(); }
  size_t MemoryBytes() const { return values_.MemoryBytes() + free_.capacity() * sizeof(uint32_t); }

 private:
  BlockQueue<T> values_;
  std::vector<uint32_t> free_;
};

}  // namespace tallybus

#endif  // TALLYBUS_SLAB_H_
