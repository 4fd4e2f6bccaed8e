// The ring's memory comes from mmap: zeroed, and not paid for before it is used.
#include "ring.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace tallybus::engine {
namespace {

// A header is one word, so that one store publishes it: the kind in the top byte, the payload's
// size in the low half. A kind is never 0, so neither is a published header.
constexpr int kKindShift = 56;

uint64_t Header(RecordKind kind, uint32_t size) {
  return uint64_t{static_cast<uint8_t>(kind)} << kKindShift | size;
}

size_t RoundUp(size_t size) { return (size + 7) & ~size_t{7}; }

}  // namespace

std::unique_ptr<Ring> Ring::Create(size_t capacity) {
  void* memory =
      mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  std::unique_ptr<Ring> ring(new (std::nothrow) Ring(static_cast<uint8_t*>(memory), capacity));
  if (!ring) munmap(memory, capacity);
  return ring;
}

Ring::~Ring() { munmap(memory_, capacity_); }

[[gnu::hot]] Slot Ring::Reserve(size_t size, bool may_use_headroom) {
  const size_t need = kHeaderBytes + RoundUp(size);
  const uint64_t limit = may_use_headroom ? capacity_ : OrdinaryLimit();
  for (;;) {
    // seen_freed_ before reserved_: the difference is then never negative. An old value errs on
    // the safe side, and whoever stored it passes on what he acquired with it.
    const uint64_t seen = seen_freed_.load(std::memory_order_acquire);
    uint64_t start = reserved_.load(std::memory_order_relaxed);
    const size_t to_end = capacity_ - (start & (capacity_ - 1));
    const size_t padding = to_end < need ? to_end : 0;
    if (start + padding + need - seen > limit) {
      const uint64_t freed = freed_.load(std::memory_order_acquire);
      if (freed == seen) return {};
      seen_freed_.store(freed, std::memory_order_release);
      continue;
    }
    if (!reserved_.compare_exchange_weak(start, start + padding + need,
                                         std::memory_order_relaxed)) {
      continue;
    }
    if (padding != 0) {
      const auto rest = static_cast<uint32_t>(padding - kHeaderBytes);
      Publish({nullptr, HeaderAt(start), rest}, RecordKind::kPadding);
    }
    uint64_t* header = HeaderAt(start + padding);
    return {reinterpret_cast<uint8_t*>(header + 1), header, static_cast<uint32_t>(size)};
  }
}

[[gnu::hot]] void Ring::Publish(const Slot& slot, RecordKind kind) {
  __atomic_store_n(slot.header, Header(kind, slot.size), __ATOMIC_SEQ_CST);
}

uint64_t Ring::used() const {
  const uint64_t freed = freed_.load(std::memory_order_acquire);
  return reserved_.load(std::memory_order_relaxed) - freed;
}

bool Ring::Read(Cursor* at, HeldRecord* record) const {
  for (;;) {
    // Of a ring that is exactly full, the next header is that of our own oldest record.
    if (at->position - head_.position == capacity_) return false;
    uint64_t* header = HeaderAt(at->position);
    const uint64_t word = __atomic_load_n(header, __ATOMIC_SEQ_CST);
    if (word == 0) return false;
    const auto size = static_cast<uint32_t>(word);
    at->position += kHeaderBytes + RoundUp(size);
    record->kind = static_cast<RecordKind>(word >> kKindShift);
    if (record->kind == RecordKind::kPadding) continue;
    record->payload = {reinterpret_cast<const char*>(header + 1), size};
    record->sequence = at->sequence++;
    return true;
  }
}

void Ring::Free(const Cursor& end) {
  const size_t offset = head_.position & (capacity_ - 1);
  const size_t size = end.position - head_.position;
  const size_t before_wrap = size < capacity_ - offset ? size : capacity_ - offset;
  std::memset(memory_ + offset, 0, before_wrap);
  std::memset(memory_, 0, size - before_wrap);
  head_ = end;
  freed_.store(end.position, std::memory_order_release);
}

}  // namespace tallybus::engine
