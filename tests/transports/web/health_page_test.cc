// What a probe reads from the health page.
#include "transports/web/health_page.h"

#include <gtest/gtest.h>

namespace tallybus {
namespace {

TEST(HealthPageTest, Is200WithTheObjectWhereAllIsWell) {
  const HttpAnswer answer = HealthPage([] { return Health{true, R"({"ok":true})"}; })({});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"ok":true})");
}

TEST(HealthPageTest, Is503AndAsksAnewForEachRequest) {
  bool ok = true;
  const WebHandler page = HealthPage([&] { return Health{ok, "{}"}; });
  EXPECT_EQ(page({}).status, 200);
  ok = false;
  EXPECT_EQ(page({}).status, 503);
}

}  // namespace
}  // namespace tallybus
