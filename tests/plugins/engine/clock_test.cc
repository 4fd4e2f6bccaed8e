// The two clocks.
#include "clock.h"

#include <gtest/gtest.h>

#include <chrono>

namespace tallybus::engine {
namespace {

TEST(ClockTest, NeverRunsBackwards) {
  int64_t before = MonotonicUs();
  for (int i = 0; i < 10'000; ++i) {
    const int64_t now = MonotonicUs();
    ASSERT_GE(now, before);
    before = now;
  }
}

TEST(ClockTest, TellsTheTimeOfDayInMicroseconds) {
  const int64_t expected = std::chrono::duration_cast<std::chrono::microseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  EXPECT_NEAR(static_cast<double>(WallClockUs()), static_cast<double>(expected), 60e6);
}

}  // namespace
}  // namespace tallybus::engine
