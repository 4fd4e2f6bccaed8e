// The router itself runs in tests/e2e/in_engine_test.py, in programs that have the real library.
#include "embedded_router.h"

#include <gtest/gtest.h>

#include <vector>

namespace tallybus::engine {
namespace {

TEST(EmbeddedRouterTest, KnowsItsEndpoints) {
  EXPECT_EQ(EmbeddedFile("embedded:/etc/tallybus.yaml"), "/etc/tallybus.yaml");
  EXPECT_EQ(EmbeddedFile("embedded:"), "");
  EXPECT_EQ(EmbeddedFile("ipc:///embedded:"), "");
}

// Nothing lies beside this test.
TEST(EmbeddedRouterTest, SaysWhyThereIsNone) {
  EmbeddedRouter* router = nullptr;
  std::vector<LogLine> why;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(EmbeddedRouter::Open("/etc/tallybus.yaml", &router, &why), TALLYBUS_UNAVAILABLE);
    EXPECT_EQ(router, nullptr);
    ASSERT_EQ(why.size(), 1U);
    EXPECT_EQ(why[0].level, TALLYBUS_LOG_ERROR);
    EXPECT_NE(why[0].text.find("install it beside libtallybus_engine.so"), std::string::npos)
        << why[0].text;
  }
}

}  // namespace
}  // namespace tallybus::engine
