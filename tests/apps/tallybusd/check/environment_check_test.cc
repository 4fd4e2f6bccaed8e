// All that is found, of spool, listeners and endpoints.
#include "apps/tallybusd/check/environment_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/check/loopback.h"
#include "tests/apps/tallybusd/config/load_text.h"
#include "transports/builtin.h"

namespace tallybus::check {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(EnvironmentCheckTest, FindsAllThatIsWrongAndNotTheFirstAlone) {
  const Loopback taken(/*listens=*/true), gone(/*listens=*/false);
  const config::ScratchDirectory folder;
  std::ofstream(folder.path() + "/file") << "x";
  auto config = config::LoadText("apps: {a: {url: 'http://" + gone.place() + "/'}}");
  ASSERT_TRUE(config.ok()) << config.status();
  config->listen = {.engine = {},
                    .open = "tcp://" + taken.place(),
                    .clients = {},
                    .web = {},
                    .admin = {},
                    .tls = {}};
  config->spool.path = folder.path() + "/file/spool";
  TransportCatalog catalog;
  ASSERT_TRUE(RegisterBuiltinTransports(catalog.registry).ok());
  const auto routes = PaperRoutes::Make(*config, catalog.registry);
  ASSERT_TRUE(routes.ok());

  Findings found = CheckEnvironment(*config, *routes, catalog, "");
  ASSERT_EQ(found.all.size(), 3);
  EXPECT_THAT(found.all[0].text, HasSubstr("spool.path: "));
  EXPECT_THAT(found.all[1].text, HasSubstr("listen.open: "));
  EXPECT_THAT(found.all[2].text, HasSubstr("route a/backend: "));
  EXPECT_THAT(found.tested, ElementsAre("the spool", "1 listener", "1 endpoint"));

  // The daemon brings the backend along, and must have its address.
  config->listen.open = "tcp://127.0.0.1:0";
  config->spool.path = config::kMemorySpool;
  EXPECT_THAT(CheckEnvironment(*config, *routes, catalog, gone.place()).all, IsEmpty());
}

}  // namespace
}  // namespace tallybus::check
