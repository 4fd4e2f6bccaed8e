// Faults are counted each, and told a line a second.
#include "plugins/loader/plugin_faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"
#include "tests/support/recording_log.h"

namespace tallybus::loader {
namespace {

using ::testing::ElementsAre;

TEST(PluginFaultsTest, EachIsCountedAndOneASecondIsTold) {
  Metrics metrics;
  testing::RecordingLog log;
  testing::ManualClock clock;
  clock.Advance(absl::Seconds(10));
  PluginFaults faults("Pigeon", metrics, log, clock);
  for (int i = 0; i < 3; ++i) faults.Note(Fault::kTwice);
  faults.Note(Fault::kMalformed, "no result");
  clock.Advance(absl::Seconds(1));
  faults.Note(Fault::kTwice);
  faults.Say(LogLevel::kInfo, "hello");
  EXPECT_EQ(
      metrics.GetCounter(PluginFaults::kMetric, "", {{"plugin", "Pigeon"}, {"fault", "twice"}})
          .Value(),
      4u);
  EXPECT_THAT(
      log.lines(),
      ElementsAre(
          "plugin Pigeon completed a ticket twice; the second result is dropped",
          "plugin Pigeon gave a result that cannot be read; the attempt is made again: no "
          "result",
          "plugin Pigeon completed a ticket twice; the second result is dropped (and 2 like "
          "it before, left out)",
          "plugin Pigeon: hello"));
  EXPECT_EQ(metrics.Collect().size(), 10u) << "every fault is there from the start";
}

}  // namespace
}  // namespace tallybus::loader
