// The calls that were asked and have no answer yet. Each is answered exactly once: by the router,
// by the end of its time, or by the end of the publisher.
#ifndef TALLYBUS_PLUGINS_ENGINE_ASKS_H_
#define TALLYBUS_PLUGINS_ENGINE_ASKS_H_

#include <tallybus/c/engine.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <optional>

namespace tallybus::engine {

// Who waits for an answer.
struct Asked {
  tallybus_answer_fn answer = nullptr;
  void* user = nullptr;
  int64_t due_us = 0;  // monotonic
};

class Asks {
 public:
  static constexpr size_t kMost = 65536;
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  explicit Asks(int64_t timeout_us) : timeout_us_(timeout_us) {}

  int64_t timeout_us() const { return timeout_us_; }

  // [any thread] The call's number, from 1; 0: too many are open.
  uint64_t Add(tallybus_answer_fn answer, void* user, int64_t now_us);
  // Whoever takes one answers it. nullopt: somebody has.
  std::optional<Asked> Take(uint64_t call);
  // One whose time is over, or with kNever any that is left.
  std::optional<Asked> TakeDue(int64_t now_us);
  // When the next one's time is over; kNever: none is open.
  int64_t next_due_us() const { return next_due_us_.load(std::memory_order_relaxed); }

 private:
  void NoteNextDue();

  const int64_t timeout_us_;
  std::mutex mutex_;
  std::map<uint64_t, Asked> open_;  // by number, and so by due_us
  uint64_t last_ = 0;
  std::atomic<int64_t> next_due_us_{kNever};
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_ASKS_H_
