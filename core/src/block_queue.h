// A queue in blocks: what it holds stays at its address, and is found by a shift and a mask.
#ifndef TALLYBUS_BLOCK_QUEUE_H_
#define TALLYBUS_BLOCK_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace tallybus {

// [owner] An empty one that never held anything has no memory; one that did keeps its blocks.
template <typename T>
class BlockQueue {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return At(begin_ + i); }
  const T& operator[](size_t i) const { return At(begin_ + i); }
  T& front() { return At(begin_); }
  T& back() { return At(begin_ + size_ - 1); }
  const T& back() const { return At(begin_ + size_ - 1); }

  T& emplace_back() {
    const size_t end = begin_ + size_++;
    if (end == blocks_.size() * kBlock) blocks_.push_back(std::make_unique<T[]>(kBlock));
    return At(end);
  }
  void pop_front() {
    front() = T();
    --size_;
    if (++begin_ < kBlock) return;
    begin_ = 0;
    std::rotate(blocks_.begin(), blocks_.begin() + 1, blocks_.end());  // it is used again
  }

  size_t MemoryBytes() const {
    constexpr size_t kMallocOverhead = 16;
    return blocks_.size() * (kBlock * sizeof(T) + 2 * kMallocOverhead) +
           blocks_.capacity() * sizeof(blocks_[0]);
  }

 private:
  static constexpr size_t kBlock = 128;
  T& At(size_t place) const { return blocks_[place / kBlock][place % kBlock]; }

  std::vector<std::unique_ptr<T[]>> blocks_;
  size_t begin_ = 0;  // in the first block
  size_t size_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_BLOCK_QUEUE_H_
