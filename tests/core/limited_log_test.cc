// At most so many lines a second, and none left out in silence.
#include "tallybus/limited_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"
#include "tests/support/recording_log.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;

TEST(LimitedLogTest, WritesUpToItsLimitASecond) {
  testing::ManualClock clock;
  testing::RecordingLog log;
  LimitedLog limited(log, clock, 2);
  for (const char* line : {"a", "b", "c", "d"}) limited.Write(LogLevel::kWarning, line);
  EXPECT_THAT(log.lines(), ElementsAre("a", "b"));
  EXPECT_THAT(log.levels(), ElementsAre(LogLevel::kWarning, LogLevel::kWarning));
  clock.Advance(absl::Milliseconds(999));
  limited.Write(LogLevel::kWarning, "e");
  EXPECT_THAT(log.lines(), ElementsAre("a", "b"));
}

TEST(LimitedLogTest, TellsWithTheNextLineHowManyWereLeftOut) {
  testing::ManualClock clock;
  testing::RecordingLog log;
  LimitedLog limited(log, clock, 1);
  for (const char* line : {"a", "b", "c"}) limited.Write(LogLevel::kInfo, line);
  clock.Advance(absl::Seconds(1));
  limited.Write(LogLevel::kInfo, "d");
  clock.Advance(absl::Seconds(1));
  limited.Write(LogLevel::kInfo, "e");
  EXPECT_THAT(log.lines(), ElementsAre("a", "d (and 2 like it before, left out)", "e"));
}

}  // namespace
}  // namespace tallybus
