// Routes to ask, and what each target gets.
#include "apps/explanation/paper_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tallybus/codec.h"
#include "tests/apps/tallybusd/config/load_text.h"
#include "transports/builtin.h"

namespace tallybus {
namespace {

using ::testing::HasSubstr;

constexpr char kConfig[] = R"(
apps:
  a: { url: "http://127.0.0.1:1/", rest_client_config: { StreamStatusEvent: { restExclude: sdp, clientExclude: name } } }
  off: { url: off }
routes:
  - { name: log, transport: file, endpoints: ["file:///tmp/tallybus-none.ndjson"], exclude: [status] }
  - { name: dry, endpoints: ["http://127.0.0.1:1/"], dry_run: true, exclude: [sdp] }
)";

TEST(PaperRoutesTest, SayWhatEachTargetAndTheClientsWouldGet) {
  const auto config = config::LoadText(kConfig);
  ASSERT_TRUE(config.ok()) << config.status();
  TransportRegistry registry;
  ASSERT_TRUE(RegisterBuiltinTransports(registry).ok());
  const auto routes = PaperRoutes::Make(*config, registry);
  ASSERT_TRUE(routes.ok()) << routes.status();
  const auto event = EventFromJson(
      "StreamStatusEvent", R"({"nodeId":"n","appKey":"a","name":"x","sdp":"v","status":"OK"})", {});
  ASSERT_TRUE(event.ok());
  const Rehearsal decision = Rehearse(*event, nullptr, routes->table());

  ASSERT_EQ(decision.targets.size(), 2);
  EXPECT_EQ(routes->SchemeOf(*decision.targets[0].route), "rest");
  EXPECT_EQ(routes->SchemeOf(*decision.targets[1].route), "file");
  EXPECT_EQ(routes->SchemeOf(*routes->table().by_app.at("off")), "");
  EXPECT_EQ(ObjectFor(decision.targets[0], *event),
            R"({"nodeId":"n","appKey":"a","name":"x","status":"OK"})");
  EXPECT_EQ(ObjectFor(decision.targets[1], *event),
            R"({"nodeId":"n","appKey":"a","name":"x","sdp":"v"})");
  ASSERT_EQ(decision.rehearsed.size(), 1);
  EXPECT_EQ(ObjectFor(AsTarget(decision.rehearsed[0]), *event),
            R"({"nodeId":"n","appKey":"a","name":"x","status":"OK"})");
  EXPECT_EQ(ObjectForClients(decision, *event),
            R"({"nodeId":"n","appKey":"a","sdp":"v","status":"OK"})");
}

TEST(PaperRoutesTest, AreRefusedAsTheDaemonRefusesThem) {
  const auto config = config::LoadText("routes: [{name: r, transport: pigeon, endpoints: [x]}]");
  ASSERT_TRUE(config.ok()) << config.status();
  TransportRegistry registry;
  ASSERT_TRUE(RegisterBuiltinTransports(registry).ok());
  EXPECT_THAT(std::string(PaperRoutes::Make(*config, registry).status().message()),
              HasSubstr("there is no transport pigeon"));
}

}  // namespace
}  // namespace tallybus
