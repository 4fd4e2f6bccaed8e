// Plugins in the table of transports.
#include "plugins/loader/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/transport_bench.h"
#include "tests/plugins/loader/plugins.h"

namespace tallybus::loader {
namespace {

using ::tallybus::testing::EndpointAt;
using ::tallybus::testing::PluginPath;

TEST(LoaderTest, APluginIsAsATransportThatIsBuiltIn) {
  TransportRegistry registry;
  auto plugin = LoadPlugin(PluginPath("hostile"), registry);
  ASSERT_TRUE(plugin.ok()) << plugin.status();
  const TransportDescriptor* descriptor = registry.Find("hostile");
  ASSERT_NE(descriptor, nullptr);
  EXPECT_EQ(descriptor->options.size(), 1u);
  EXPECT_TRUE(descriptor->check(EndpointAt("here")).ok());
  EXPECT_EQ(descriptor->check(EndpointAt("-x")),
            absl::InvalidArgumentError("an address does not begin with a dash"));
  EXPECT_FALSE(descriptor->credentials_end);
}

TEST(LoaderTest, TwoOfOneSchemeAreRefused) {
  TransportRegistry registry;
  ASSERT_TRUE(LoadPlugin(PluginPath("hostile"), registry).ok());
  EXPECT_EQ(std::string(LoadPlugin(PluginPath("start_fails"), registry).status().message()),
            PluginPath("start_fails") + ": two transports claim the scheme hostile");
}

TEST(LoaderTest, ACreateThatFailsSaysWhy) {
  tallybus::testing::RecordingSink sink;
  SystemClock clock;
  Metrics metrics;
  tallybus::testing::SilentLog log;
  const TransportContext context{sink, clock, metrics, log};
  const auto create = [&](const char* name) {
    TransportRegistry registry;
    auto plugin = LoadPlugin(PluginPath(name), registry);
    EXPECT_TRUE(plugin.ok()) << plugin.status();
    return std::string(registry.Find("hostile")->create(context).status().message());
  };
  EXPECT_EQ(create("create_fails"), std::string(511, 'x')) << "cut where its room ends";
  EXPECT_EQ(create("create_nothing"),
            "create returns no transport, or one with a struct_size of no version");
}

}  // namespace
}  // namespace tallybus::loader
