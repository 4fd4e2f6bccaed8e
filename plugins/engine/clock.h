// The only place of this library where time is read. Everything else is told what time it is.
#ifndef TALLYBUS_PLUGINS_ENGINE_CLOCK_H_
#define TALLYBUS_PLUGINS_ENGINE_CLOCK_H_

#include <cstdint>

namespace tallybus::engine {

constexpr int64_t kMillisecondUs = 1'000;
constexpr int64_t kSecondUs = 1'000'000;

// [any thread, realtime] Microseconds of a clock that never jumps. Comparable in this process only.
int64_t MonotonicUs();

// [any thread, realtime] Microseconds since 1970 UTC.
int64_t WallClockUs();

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_CLOCK_H_
