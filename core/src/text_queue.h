// Room for texts that come and go in one order, in blocks that are used again.
#ifndef TALLYBUS_TEXT_QUEUE_H_
#define TALLYBUS_TEXT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "block_queue.h"

namespace tallybus {

// [owner] No memory before the first text.
class TextQueue {
 public:
  static constexpr size_t kBlockBytes = size_t{32} << 10;

  // Room for a text of at most kBlockBytes, which stays where it is until pop_front takes it away.
  char* emplace_back(size_t bytes);
  // The oldest text goes.
  void pop_front();

  size_t MemoryBytes() const;

 private:
  struct Block {
    std::unique_ptr<char[]> place;
    uint32_t texts = 0;
  };
  // Only the last one may have no text.
  BlockQueue<Block> blocks_;
  size_t used_ = 0;  // of the last one
  std::unique_ptr<char[]> spare_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TEXT_QUEUE_H_
