// One descriptor for each scheme.
#include "tallybus/transport_registry.h"

#include <gtest/gtest.h>

namespace tallybus {
namespace {

TransportDescriptor Named(const std::string& scheme) {
  TransportDescriptor descriptor;
  descriptor.scheme = scheme;
  return descriptor;
}

TEST(TransportRegistryTest, FindsWhatWasRegistered) {
  TransportRegistry registry;
  ASSERT_TRUE(registry.Register(Named("rest")).ok());
  ASSERT_TRUE(registry.Register(Named("memory")).ok());
  ASSERT_NE(registry.Find("rest"), nullptr);
  EXPECT_EQ(registry.Find("rest")->scheme, "rest");
  EXPECT_EQ(registry.Find("res"), nullptr);
  EXPECT_EQ(registry.Find(""), nullptr);
  EXPECT_EQ(registry.Schemes(), (std::vector<std::string_view>{"memory", "rest"}));
}

TEST(TransportRegistryTest, ASchemeIsTakenOnce) {
  TransportRegistry registry;
  ASSERT_TRUE(registry.Register(Named("rest")).ok());
  const TransportDescriptor* first = registry.Find("rest");
  EXPECT_EQ(registry.Register(Named("rest")).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(registry.Find("rest"), first);
}

}  // namespace
}  // namespace tallybus
