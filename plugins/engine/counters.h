// What the library counts. Producers and the sender write to cache lines of their own.
#ifndef TALLYBUS_PLUGINS_ENGINE_COUNTERS_H_
#define TALLYBUS_PLUGINS_ENGINE_COUNTERS_H_

#include <tallybus/c/engine.h>

#include <atomic>
#include <cstdint>

namespace tallybus::engine {

using Counter = std::atomic<uint64_t>;

inline void Count(Counter& counter, uint64_t n = 1) {
  counter.fetch_add(n, std::memory_order_relaxed);
}
inline uint64_t Value(const Counter& counter) { return counter.load(std::memory_order_relaxed); }

struct Counters {
  // Written by the threads that publish, with every event.
  alignas(64) Counter published{0};

  // Written by them now and then: the sender reads it whenever it looks for records.
  alignas(64) Counter dropped_full{0};
  Counter too_large{0};  // refused: more than 1 MiB, or more than the ring can ever take
  Counter wakeups{0};

  // Written by the sender.
  alignas(64) Counter acknowledged{0};
  Counter rejected{0};
  Counter resent{0};
  Counter reconnects{0};
  Counter slow_callbacks{0};
  std::atomic<tallybus_state> state{TALLYBUS_STATE_CONNECTING};
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_COUNTERS_H_
