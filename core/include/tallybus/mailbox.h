// A bounded hand-off between threads, drained in batches: one wake-up for many items.
#ifndef TALLYBUS_MAILBOX_H_
#define TALLYBUS_MAILBOX_H_

#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace tallybus {

template <typename T>
class Mailbox {
 public:
  // `wake` is called on the pushing thread when an empty mailbox gets its first item; it must not
  // block. `capacity` is in items.
  Mailbox(size_t capacity, std::function<void()> wake)
      : capacity_(capacity), wake_(std::move(wake)) {}

  // [any thread] False when full: the item is untouched, and the caller counts or holds it.
  [[nodiscard]] bool Push(T&& item) { return PushAll({&item, 1}); }

  // [any thread] All of them or, where they do not fit, none; they are moved from.
  [[nodiscard]] bool PushAll(std::span<T> items) {
    bool first;
    {
      std::lock_guard lock(mutex_);
      if (items_.size() + items.size() > capacity_) return false;
      first = items_.empty() && !items.empty();
      for (T& item : items) items_.push_back(std::move(item));
    }
    if (first && wake_) wake_();
    return true;
  }

  // [owner] Replaces *out by everything that waits, in order of arrival.
  void Drain(std::vector<T>* out) {
    out->clear();
    std::lock_guard lock(mutex_);
    items_.swap(*out);
  }

 private:
  const size_t capacity_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<T> items_;
};

}  // namespace tallybus

#endif  // TALLYBUS_MAILBOX_H_
