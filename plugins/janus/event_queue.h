// Janus's events on their way to the thread that maps them. Janus waits for each call, so handing
// one over costs it two atomic instructions: one for the reference, one for the place.
#ifndef TALLYBUS_PLUGINS_JANUS_EVENT_QUEUE_H_
#define TALLYBUS_PLUGINS_JANUS_EVENT_QUEUE_H_

#include <jansson.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

namespace tallybus::janus {

struct ReleaseEvent {
  void operator()(json_t* event) const { json_decref(event); }
};
using HeldEvent = std::unique_ptr<json_t, ReleaseEvent>;

// A ring from many producers to one worker. What finds it full goes into a list under a mutex,
// until the worker has emptied both; when the list is full too, only what must arrive is added.
// Each producer's events are taken in its order.
class EventQueue {
 public:
  static constexpr size_t kSlots = size_t{1} << 14;
  // There are two lists: one that producers fill, one that the worker empties.
  static constexpr size_t kMaxSpilled = kSlots + kSlots / 2;

  explicit EventQueue(bool (*must_arrive)(const json_t*));
  ~EventQueue();  // releases what nobody took
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  bool ok() const { return fd_ >= 0; }

  // [any thread] Takes a reference of its own; the event is not null. Never waits for the worker,
  // and calls the kernel only where the worker sleeps.
  void Push(json_t* event);
  // [any thread] Lets Nap and Sleep return, though nothing came.
  void Wake();
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  // [worker] The next event, or nothing.
  HeldEvent Take();
  // [worker] That long, whatever is pushed: nobody has to wake a worker that naps.
  void Nap(std::chrono::microseconds time) const;
  // [worker] Until something is pushed, but no longer than that; negative: for ever.
  void Sleep(int timeout_ms);

 private:
  bool PushToRing(json_t* event);
  void Spill(json_t* event);
  HeldEvent TakeFromRing();
  bool TakeSpill();
  bool IsEmpty() const;

  using Slot = std::atomic<json_t*>;

  // The producers': the next place, and how far the worker was when one of them last looked.
  alignas(64) std::atomic<uint64_t> tail_{0};
  std::atomic<uint64_t> seen_head_{0};
  // The worker's.
  alignas(64) std::atomic<uint64_t> head_{0};
  std::deque<json_t*> taken_spill_;
  uint64_t spill_follows_ = 0;  // what the ring held before it goes first
  // Everybody's, seldom written.
  alignas(64) const std::unique_ptr<Slot[]> slots_;
  std::atomic<bool> asleep_{false};
  std::atomic<bool> spilling_{false};
  std::atomic<uint64_t> dropped_{0};
  bool (*const must_arrive_)(const json_t*);
  const int fd_;  // an eventfd

  std::mutex mutex_;
  std::deque<json_t*> spill_;
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_EVENT_QUEUE_H_
