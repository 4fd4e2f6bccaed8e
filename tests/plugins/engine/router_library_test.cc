// That it is loaded, and what it is refused beside, is told by tests/e2e/in_engine_test.py.
#include "router_library.h"

#include <gtest/gtest.h>

namespace tallybus::engine {
namespace {

TEST(RouterLibraryTest, OneThatIsNotBesideThisLibraryIsAskedFor) {
  std::string why;
  EXPECT_EQ(LoadRouterLibrary(&why), nullptr);
  EXPECT_NE(why.find("libtallybus_router.so"), std::string::npos) << why;
  EXPECT_NE(why.find("install it beside libtallybus_engine.so"), std::string::npos) << why;
}

}  // namespace
}  // namespace tallybus::engine
