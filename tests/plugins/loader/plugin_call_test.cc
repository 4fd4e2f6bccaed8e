// Each function of a plugin that never comes back: one line that names it and the plugin, in time.
#include "plugins/loader/plugin_call.h"

#include <gtest/gtest.h>

#include "plugins/loader/loader.h"
#include "plugins/loader/plugin_faults.h"
#include "tests/conformance/transport_bench.h"
#include "tests/plugins/loader/plugins.h"
#include "tests/support/recording_log.h"

namespace tallybus::loader {
namespace {

using ::tallybus::testing::EndpointAt;
using ::tallybus::testing::PluginPath;

// Time for what comes back, also on a busy machine.
constexpr absl::Duration kLimit = absl::Seconds(2);

class PluginCallTest : public ::testing::Test {
 protected:
  std::string Load(const std::string& name) {
    return std::string(LoadPlugin(PluginPath(name), registry, kLimit).status().message());
  }
  const TransportDescriptor& descriptor() { return *registry.Find("hostile"); }
  absl::Status CreateAndStart() {
    auto transport = descriptor().create(TransportContext{sink, clock, metrics, log});
    return transport.ok() ? (*transport)->Start() : transport.status();
  }
  uint64_t Stuck() {
    return metrics
        .GetCounter(PluginFaults::kMetric, "", {{"plugin", "Hostile"}, {"fault", "stuck"}})
        .Value();
  }

  TransportRegistry registry;
  tallybus::testing::RecordingSink sink;
  SystemClock clock;
  Metrics metrics;
  tallybus::testing::RecordingLog log;
};

TEST_F(PluginCallTest, AnEntryThatNeverComesBackIsNotLoadedAndNotTriedAgain) {
  const std::string path = PluginPath("hangs_in_entry");
  EXPECT_EQ(Load("hangs_in_entry"), path + ": it does not come back from its loading within 2s");
  EXPECT_EQ(Load("hangs_in_entry"),
            path + ": it did not come back from its loading, and is not called before a restart");
}

TEST_F(PluginCallTest, ACheckThatNeverComesBackRefusesTheEndpoint) {
  ASSERT_EQ(Load("hangs_in_check"), "");
  EXPECT_EQ(
      descriptor().check(EndpointAt("here")),
      absl::DeadlineExceededError("plugin Hostile does not come back from its check within 2s"));
  TransportRegistry next;
  EXPECT_FALSE(LoadPlugin(PluginPath("hangs_in_check"), next).ok());
}

TEST_F(PluginCallTest, ACreateThatNeverComesBackMakesNothing) {
  ASSERT_EQ(Load("hangs_in_create"), "");
  EXPECT_EQ(CreateAndStart(), absl::DeadlineExceededError(
                                  "plugin Hostile does not come back from its create within 2s"));
  EXPECT_EQ(Stuck(), 1u);
  EXPECT_EQ(log.Text(), "plugin Hostile does not come back, and is left alone: create\n");
}

TEST_F(PluginCallTest, AStartThatNeverComesBackStartsNothing) {
  ASSERT_EQ(Load("hangs_in_start"), "");
  EXPECT_EQ(CreateAndStart(), absl::DeadlineExceededError(
                                  "plugin Hostile does not come back from its start within 2s"));
  EXPECT_EQ(Stuck(), 1u);
}

TEST_F(PluginCallTest, ADestroyThatNeverComesBackIsLeftAlone) {
  ASSERT_EQ(Load("hangs_in_destroy"), "");
  EXPECT_TRUE(CreateAndStart().ok());
  EXPECT_EQ(Stuck(), 1u);
}

}  // namespace
}  // namespace tallybus::loader
