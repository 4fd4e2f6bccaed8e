// The tests of a configuration, passing and failing.
#include "apps/tallybusd/check/config_tests.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/config/load_text.h"
#include "transports/builtin.h"

namespace tallybus::check {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kRoutes[] = R"(
apps:
  a: { url: "http://h/", rest_client_config: { StreamStatusEvent: { restExclude: sdp, clientExclude: name } } }
  off: { url: off }
routes:
  - { name: billing, endpoints: ["http://h1/", "http://h2/"], pick: all, match: { status: STOPPED } }
  - { name: dry, endpoints: ["http://h/"], dry_run: true }
tests:
)";

class ConfigTestsTest : public ::testing::Test {
 protected:
  ConfigTestsTest() { EXPECT_TRUE(RegisterBuiltinTransports(registry).ok()); }

  // Of one test, `{name: t, <members>}`.
  std::vector<std::string> Run(const std::string& members) {
    const auto config = config::LoadText(absl::StrCat(kRoutes, "  - { name: t, ", members, " }\n"));
    EXPECT_TRUE(config.ok()) << config.status();
    if (!config.ok()) return {};
    const auto routes = PaperRoutes::Make(*config, registry);
    EXPECT_TRUE(routes.ok()) << routes.status();
    return RunTests(*config, *routes, folder.path() + "/tallybus.yaml", absl::UnixEpoch());
  }

  const config::ScratchDirectory folder;
  TransportRegistry registry;
};

TEST_F(ConfigTestsTest, WhatIsAsExpectedPasses) {
  EXPECT_THAT(Run("event: {appKey: a, status: STOPPED, sdp: v, name: x}, "
                  "routes: [billing, a/backend], dry_run: [dry], "
                  "fields: {billing: {sdp: v, appKey: a}, a/backend: {sdp: ~}}, "
                  "client: {name: ~, sdp: v}"),
              IsEmpty());
  EXPECT_THAT(Run("event: {appKey: off, status: PLAYING}, routes: []"), IsEmpty());
  EXPECT_THAT(Run("event: ErrorEvent, routes: [], dry_run: []"), IsEmpty());
}

TEST_F(ConfigTestsTest, OtherRoutesThanExpectedAreToldWithTheReason) {
  EXPECT_THAT(Run("event: {appKey: a, status: PLAYING}, routes: [billing, a/backend]"),
              ElementsAre(EndsWith("tests[0].routes: test \"t\": expected a/backend, billing; got "
                                   "a/backend; billing: match.status does not list PLAYING")));
  EXPECT_THAT(Run("event: {appKey: a, status: PLAYING}, routes: []"),
              ElementsAre(EndsWith("expected none; got a/backend")));
  EXPECT_THAT(
      Run("event: {appKey: off}, routes: [off/backend, a/backend, dry]"),
      ElementsAre(HasSubstr("a/backend: the event is of app off; dry: it only rehearses, by "
                            "dry_run; off/backend: apps.off is not configured")));
  EXPECT_THAT(Run("event: {appKey: a, status: STOPPED}, dry_run: [billing]"),
              ElementsAre(HasSubstr("expected billing; got dry; billing: it is sent")));
}

TEST_F(ConfigTestsTest, ARouteThatIsNotThereIsNoExpectation) {
  EXPECT_THAT(Run("event: {appKey: a}, routes: [biling]"),
              ElementsAre(HasSubstr("there is no route biling; did you mean \"billing\"?")));
  EXPECT_THAT(Run("event: {appKey: a}, fields: {biling: {}}"),
              ElementsAre(HasSubstr("there is no route biling")));
}

TEST_F(ConfigTestsTest, OtherFieldsThanExpectedAreToldAtTheirPlaces) {
  EXPECT_THAT(Run("event: {appKey: a, status: STOPPED, sdp: v}, "
                  "fields: {billing: {status: X, sdp: ~}, dry: {}}"),
              ElementsAre(HasSubstr("tests[0].fields.billing.status: test \"t\": the field is "
                                    "\"STOPPED\"; expected: \"X\""),
                          HasSubstr("the field is there: \"v\""),
                          HasSubstr("not sent, so it has no fields: it only rehearses")));
}

TEST_F(ConfigTestsTest, TheClientsCopyIsComparedToo) {
  EXPECT_THAT(Run("event: {appKey: a, name: x}, client: {name: x}"),
              ElementsAre(HasSubstr("the field is not there; expected: \"x\"")));
}

TEST_F(ConfigTestsTest, ASessionsConfigGovernsWrittenOutOrInAFile) {
  std::ofstream(folder.path() + "/s.json") << R"({"StreamStatusEvent":{"restPolicy":"DISABLE"}})";
  EXPECT_THAT(Run("event: {appKey: a}, routes: [], session_config: s.json"), IsEmpty());
  EXPECT_THAT(Run("event: {appKey: a}, routes: [a/backend], "
                  "session_config: {StreamStatusEvent: {restPolicy: DISABLE}}"),
              ElementsAre(HasSubstr("a/backend: restPolicy is DISABLE")));
  EXPECT_THAT(Run("event: {appKey: a}, routes: [], session_config: none.json"),
              ElementsAre(HasSubstr("none.json' cannot be read")));
}

TEST_F(ConfigTestsTest, AnEventOfAFileIsReadBesideTheConfiguration) {
  std::ofstream(folder.path() + "/e.json") << R"({"appKey":"a","status":"STOPPED"})";
  EXPECT_THAT(Run("event: e.json, routes: [a/backend, billing]"), IsEmpty());
  EXPECT_THAT(Run("event: ./none.json, routes: []"),
              ElementsAre(HasSubstr("tests[0].event: test \"t\": '")));
}

}  // namespace
}  // namespace tallybus::check
