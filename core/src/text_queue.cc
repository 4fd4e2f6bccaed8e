// What a block held is never looked at when it goes: it is far from any cache by then.
#include "text_queue.h"

#include <utility>

namespace tallybus {

char* TextQueue::emplace_back(size_t bytes) {
  if (blocks_.empty() || used_ + bytes > kBlockBytes) {
    if (spare_ == nullptr) spare_.reset(new char[kBlockBytes]);
    blocks_.emplace_back().place = std::move(spare_);
    used_ = 0;
  }
  Block& last = blocks_.back();
  ++last.texts;
  return last.place.get() + std::exchange(used_, used_ + bytes);
}

void TextQueue::pop_front() {
  if (--blocks_.front().texts > 0) return;
  if (blocks_.size() == 1) {
    used_ = 0;
    return;
  }
  spare_ = std::move(blocks_.front().place);
  blocks_.pop_front();
}

size_t TextQueue::MemoryBytes() const {
  constexpr size_t kMallocOverhead = 16;
  return blocks_.MemoryBytes() +
         (blocks_.size() + (spare_ != nullptr ? 1 : 0)) * (kBlockBytes + kMallocOverhead);
}

}  // namespace tallybus
