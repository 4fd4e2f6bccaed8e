// No wake-up is lost: a producer takes its place (or begins to spill), then reads asleep_; the
// worker stores asleep_, then reads both. All are sequentially consistent, so one of the two sees
// the other.
#include "event_queue.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace tallybus::janus {

EventQueue::EventQueue(bool (*must_arrive)(const json_t*))
    : slots_(new Slot[kSlots]()),
      must_arrive_(must_arrive),
      fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

EventQueue::~EventQueue() {
  while (Take() != nullptr) {
  }
  if (ok()) close(fd_);
}

void EventQueue::Push(json_t* event) {
  // Behind what was spilled, or it would overtake that.
  if (spilling_.load(std::memory_order_acquire) || !PushToRing(event)) Spill(event);
  if (asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false)) Wake();
}

bool EventQueue::PushToRing(json_t* event) {
  uint64_t place = tail_.load(std::memory_order_relaxed);
  do {
    if (place - seen_head_.load(std::memory_order_acquire) >= kSlots) {
      const uint64_t head = head_.load(std::memory_order_acquire);
      if (head > place) {  // others went on since it was read
        place = tail_.load(std::memory_order_relaxed);
        continue;
      }
      if (place - head >= kSlots) return false;
      seen_head_.store(head, std::memory_order_release);
    }
  } while (!tail_.compare_exchange_weak(place, place + 1, std::memory_order_seq_cst,
                                        std::memory_order_relaxed));
  slots_[place % kSlots].store(json_incref(event), std::memory_order_release);
  return true;
}

void EventQueue::Spill(json_t* event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (spill_.size() >= kMaxSpilled && !must_arrive_(event)) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  spill_.push_back(event);
  json_incref(event);
  spilling_.store(true, std::memory_order_seq_cst);
}

void EventQueue::Wake() { eventfd_write(fd_, 1); }

HeldEvent EventQueue::Take() {
  do {
    if (HeldEvent event = TakeFromRing(); event != nullptr) return event;
    if (taken_spill_.empty()) continue;
    // A producer may have taken a place and not yet filled it.
    if (head_.load(std::memory_order_relaxed) < spill_follows_) return nullptr;
    HeldEvent event(taken_spill_.front());
    taken_spill_.pop_front();
    return event;
  } while (spilling_.load(std::memory_order_acquire) && TakeSpill());
  return nullptr;
}

HeldEvent EventQueue::TakeFromRing() {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  Slot& slot = slots_[head % kSlots];
  HeldEvent event(slot.load(std::memory_order_acquire));
  if (event == nullptr) return nullptr;
  slot.store(nullptr, std::memory_order_relaxed);
  head_.store(head + 1, std::memory_order_release);
  return event;
}

// Only when all that was spilled has been taken may producers go to the ring again.
bool EventQueue::TakeSpill() {
  const std::lock_guard<std::mutex> lock(mutex_);
  taken_spill_.swap(spill_);
  spill_follows_ = tail_.load(std::memory_order_acquire);
  if (taken_spill_.empty()) spilling_.store(false, std::memory_order_release);
  return !taken_spill_.empty();
}

bool EventQueue::IsEmpty() const {
  return tail_.load(std::memory_order_seq_cst) == head_.load(std::memory_order_relaxed) &&
         !spilling_.load(std::memory_order_seq_cst);
}

void EventQueue::Nap(std::chrono::microseconds time) const {
  pollfd rung{fd_, POLLIN, 0};  // by Wake
  const timespec limit{0, std::chrono::nanoseconds(time).count()};
  ppoll(&rung, 1, &limit, nullptr);
}

void EventQueue::Sleep(int timeout_ms) {
  asleep_.store(true, std::memory_order_seq_cst);
  if (IsEmpty()) {
    pollfd rung{fd_, POLLIN, 0};
    poll(&rung, 1, timeout_ms);
  }
  asleep_.store(false, std::memory_order_seq_cst);
  eventfd_t ignored;
  eventfd_read(fd_, &ignored);
}

}  // namespace tallybus::janus
