// A plugin in C++, loaded as any other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "plugins/loader/loader.h"
#include "plugins/loader/plugin_faults.h"
#include "tests/conformance/transport_bench.h"
#include "tests/support/scratch_directory.h"

namespace tallybus::testing {
namespace {

TransportDescriptor Append() {
  TransportRegistry registry;
  const auto plugin = loader::LoadPlugin(TALLYBUS_APPEND_PLUGIN, registry);
  EXPECT_TRUE(plugin.ok()) << plugin.status();
  return *registry.Find("append");
}

class TransportPluginTest : public ::testing::Test {
 protected:
  TransportBench::Options Body(const std::string& body) {
    TransportBench::Options options;
    options.body = body;
    return options;
  }
  std::string Written() {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  ScratchDirectory directory;
  const std::string file = directory.path() + "/lines";
  TransportBench bench{Append()};
};

TEST_F(TransportPluginTest, EventsAreWrittenWithTheOptionsOfTheirEndpoint) {
  Endpoint endpoint = EndpointAt(file);
  EXPECT_EQ(bench.DeliverAndWait(endpoint, Body("one")).verdict, Verdict::kDelivered);
  endpoint.options["prefix"] = "> ";
  endpoint.id = 2;
  EXPECT_EQ(bench.DeliverAndWait(endpoint, Body("two")).reason, "OK");
  EXPECT_EQ(Written(), "one\n> two\n");
  const auto refused = bench.DeliverAndWait(EndpointAt("/nowhere/x", 3));
  EXPECT_EQ(refused.reason, "connection refused");
  EXPECT_TRUE(refused.never_sent);
}

TEST_F(TransportPluginTest, WhatItDropsWithoutAResultIsGivenBackOnce) {
  const Ticket ticket = bench.Deliver(EndpointAt(file), Body("throw"));
  EXPECT_EQ(bench.sink.WaitFor(ticket)->verdict, Verdict::kRetryLater);
  bench.Stop(absl::Hours(1));
  EXPECT_EQ(bench.sink.Completions(ticket), 1);
  EXPECT_EQ(
      bench.metrics
          .GetCounter(loader::PluginFaults::kMetric, "", {{"plugin", "Append"}, {"fault", "threw"}})
          .Value(),
      1u);
}

TEST_F(TransportPluginTest, WhatItDropsInItsStopWasEndedByThat) {
  const Ticket dropped = bench.Deliver(EndpointAt(file), Body("throw"));
  EXPECT_EQ(bench.sink.WaitFor(dropped)->status.code(), absl::StatusCode::kUnavailable);
  const Ticket kept = bench.Deliver(EndpointAt(file), Body("keep"));
  bench.DeliverAndWait(EndpointAt(file), Body("after it"));
  bench.Stop(absl::Hours(1));
  EXPECT_EQ(bench.sink.WaitFor(kept)->status.code(), absl::StatusCode::kCancelled);
}

TEST_F(TransportPluginTest, AfterItsStopItSendsNothing) {
  bench.Stop(absl::Hours(1));
  EXPECT_TRUE(bench.DeliverAndWait(EndpointAt(file), Body("late")).never_sent);
  EXPECT_EQ(Written(), "");
}

TEST(TransportPluginCheckTest, WhatItSaysOrThrowsIsTheError) {
  const TransportDescriptor append = Append();
  ASSERT_EQ(append.options.size(), 2u);
  EXPECT_EQ(append.options[1].type, OptionType::kBoolean);
  EXPECT_TRUE(append.check(EndpointAt("/x")).ok());
  EXPECT_EQ(append.check(EndpointAt("x")), absl::InvalidArgumentError("must be an absolute path"));
  Endpoint fails = EndpointAt("/x");
  fails.options["fail"] = "true";
  EXPECT_EQ(append.check(fails), absl::InvalidArgumentError("fail: it is asked to"));
}

}  // namespace
}  // namespace tallybus::testing
