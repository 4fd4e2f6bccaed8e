// A ring of bytes between the threads that publish and the one that sends.
//
// A record is an 8-byte header and its payload, rounded up to 8 bytes. Positions are byte offsets
// that only grow; position modulo capacity is the place in memory. A producer takes its place with
// one compare-and-swap, encodes there, and publishes by storing the header, which is zero until
// then. A record never wraps: what is left at the end of the memory becomes a padding record.
//
// The sender reads in the order of reservation and numbers what it reads from 1. A record stays
// until it is freed; freeing zeroes it, so that old bytes never look like a header.
#ifndef TALLYBUS_PLUGINS_ENGINE_RING_H_
#define TALLYBUS_PLUGINS_ENGINE_RING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace tallybus::engine {

enum class RecordKind : uint8_t {
  kPadding = 1,
  kJsonEvent = 2,
  kStreamStatus = 3,
  kSession = 4,
  kBye = 5,
  kConnect = 6,
};

constexpr bool IsEvent(RecordKind kind) {
  return kind == RecordKind::kJsonEvent || kind == RecordKind::kStreamStatus;
}

// Room that a producer has reserved and must publish soon: the sender waits for it.
struct Slot {
  uint8_t* payload = nullptr;  // null: the ring is full
  uint64_t* header = nullptr;
  uint32_t size = 0;

  explicit operator bool() const { return payload != nullptr; }
};

// A place between two records: where the next one begins, and its number.
struct Cursor {
  uint64_t position = 0;
  uint64_t sequence = 1;
};

struct HeldRecord {
  uint64_t sequence = 0;
  RecordKind kind = RecordKind::kPadding;
  std::string_view payload;  // in the ring, until it is freed
};

class Ring {
 public:
  // capacity: a power of two, in bytes. Null: no memory.
  static std::unique_ptr<Ring> Create(size_t capacity);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // [any thread, realtime] Room for `size` bytes. A tenth of the ring is kept for those who may use
  // the head-room. size is at most LargestRecord().
  Slot Reserve(size_t size, bool may_use_headroom);
  // [any thread, realtime] Has the cache fetch the place that will probably be reserved next. What
  // is behind the end of the memory it is asked for in vain.
  void Prefetch() const {
    const auto* next =
        reinterpret_cast<const char*>(HeaderAt(reserved_.load(std::memory_order_relaxed)));
    __builtin_prefetch(next, 1);
    __builtin_prefetch(next + 64, 1);
    __builtin_prefetch(next + 128, 1);
    __builtin_prefetch(next + 192, 1);  // most events need no more
  }
  // [any thread, realtime] Hands the record to the sender. The store of the header is sequentially
  // consistent: Parking relies on it.
  static void Publish(const Slot& slot, RecordKind kind);

  // The largest payload that an empty ring takes wherever it happens to stand.
  size_t LargestRecord() const { return OrdinaryLimit() / 2 - kHeaderBytes; }
  size_t capacity() const { return capacity_; }
  // [any thread] Bytes that are reserved and not freed, headers and padding included.
  uint64_t used() const;

  // [sender] Where the oldest record that is held begins.
  const Cursor& head() const { return head_; }
  // [sender] Reads the record at *at and moves *at behind it. False: none is published there yet.
  bool Read(Cursor* at, HeldRecord* record) const;
  // [sender] Frees every record up to `sequence`, after showing each to visit(const HeldRecord&).
  template <typename Visitor>
  void FreeThrough(uint64_t sequence, Visitor&& visit) {
    Cursor at = head_;
    HeldRecord record;
    while (at.sequence <= sequence && Read(&at, &record)) visit(record);
    Free(at);
  }

 private:
  static constexpr size_t kHeaderBytes = 8;

  Ring(uint8_t* memory, size_t capacity) : memory_(memory), capacity_(capacity) {}
  size_t OrdinaryLimit() const { return capacity_ - capacity_ / 10; }
  uint64_t* HeaderAt(uint64_t position) const {
    return reinterpret_cast<uint64_t*>(memory_ + (position & (capacity_ - 1)));
  }
  void Free(const Cursor& end);

  // The producers' line. Of freed_ it has a value that was once read: as long as there is room by
  // that one, nobody need ask the sender's line.
  alignas(64) std::atomic<uint64_t> reserved_{0};  // everything before is taken
  std::atomic<uint64_t> seen_freed_{0};
  uint8_t* const memory_;
  const size_t capacity_;
  // The sender's.
  alignas(64) std::atomic<uint64_t> freed_{0};  // head_.position, for the producers
  Cursor head_;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_RING_H_
