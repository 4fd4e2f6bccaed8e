// What a tallybus_publisher is: a ring, a place to park, counters, and the sender.
#ifndef TALLYBUS_PLUGINS_ENGINE_PUBLISHER_H_
#define TALLYBUS_PLUGINS_ENGINE_PUBLISHER_H_

#include <tallybus/c/engine.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "asks.h"
#include "counters.h"
#include "log_lines.h"
#include "parking.h"
#include "record.h"
#include "ring.h"
#include "sender.h"
#include "settings.h"

struct tallybus_publisher {
 public:
  // As tallybus_publisher_open.
  static tallybus_status Open(tallybus::engine::Settings settings,
                              std::unique_ptr<tallybus_publisher>* publisher);
  // [exclusive, may block] As tallybus_publisher_close, in the process that opened it and after
  // BeginClose.
  void Close(uint32_t drain_ms);
  // [exclusive] By exit(), where it is left open: closes it within two seconds, or leaves it to its
  // threads. No callback is made, since what it uses may be gone. It is not freed.
  void CloseAtExit();
  // [exclusive] It takes no more records. False: it did not before.
  bool BeginClose() { return !closing_.exchange(true); }

  // [any thread, realtime] Whether this process opened it: a child of fork() has the memory, but
  // neither the thread nor the right to the socket.
  bool IsOurs() const { return forks_.load(std::memory_order_relaxed) == fork_generation_; }
  // [any thread, realtime] Whether it takes records.
  bool IsOpen() const { return !closing_.load(std::memory_order_acquire) && IsOurs(); }
  bool IsSenderThread() const { return sender_.IsThisThread(); }

  // [any thread, realtime] Puts a record into the ring: OK, FULL, or INVALID where it is too large.
  template <typename Record>
  tallybus_status Put(const Record& record);

  // [any thread] As tallybus_ask, of an event that is in order.
  tallybus_status Ask(const tallybus_json_event& event, tallybus_answer_fn answer, void* user);

  // struct_size is left to the caller.
  tallybus_stats Stats() const;

 private:
  tallybus_publisher(tallybus::engine::Settings settings, uint64_t epoch,
                     std::unique_ptr<tallybus::engine::Ring> ring);
  static tallybus_status Start(tallybus::engine::Settings settings,
                               std::unique_ptr<tallybus_publisher>* publisher);
  // The lines that it said last. Its attempts may last until end_us.
  std::vector<tallybus::engine::LogLine> ReleaseRouter(int64_t end_us);

  const tallybus::engine::Settings settings_;
  // How many forks this process is away from the one that loaded the library. It changes in a child
  // alone, which has one thread then: to read it costs no system call, as getpid() would.
  [[gnu::visibility("hidden")]] static std::atomic<uint64_t> forks_;
  static uint64_t WatchForks();

  const uint64_t fork_generation_;
  std::atomic<bool> closing_{false};
  const std::unique_ptr<tallybus::engine::Ring> ring_;
  tallybus::engine::Parking parking_;
  tallybus::engine::Counters counters_;
  tallybus::engine::Asks asks_;
  tallybus::engine::Sender sender_;
};

template <typename Record>
tallybus_status tallybus_publisher::Put(const Record& record) {
  using tallybus::engine::Count;
  constexpr bool kIsEvent = IsEvent(Record::kKind);
  if (record.size() > tallybus::engine::kLargestEvent || record.size() > ring_->LargestRecord()) {
    Count(counters_.too_large);
    return TALLYBUS_INVALID;
  }
  const tallybus::engine::Slot slot = ring_->Reserve(record.size(), record.may_use_headroom());
  if (!slot) {
    if (kIsEvent) Count(counters_.dropped_full);
    return TALLYBUS_FULL;
  }
  // Counted before it is written: the locked addition would wait for the stores that encode.
  if (kIsEvent) Count(counters_.published);
  record.WriteTo(slot.payload);
  tallybus::engine::Ring::Publish(slot, Record::kKind);
  if (parking_.WakeIfParked()) Count(counters_.wakeups);
  ring_->Prefetch();
  return TALLYBUS_OK;
}

#endif  // TALLYBUS_PLUGINS_ENGINE_PUBLISHER_H_
