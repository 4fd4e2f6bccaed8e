// Who gets an event: the session's config, else the app's, else the defaults; and the route's list.
#include "policy/decision.h"

#include <gtest/gtest.h>

#include "tests/support/event_builder.h"
#include "tests/support/recording_log.h"
#include "tests/support/scripted_transport.h"

namespace tallybus {
namespace {

using Backend = Decision::Backend;

class DecisionTest : public ::testing::Test {
 protected:
  DecisionTest() {
    route->name = "defaultApp/backend";
    route->app_config = std::make_shared<RestClientConfig>();
    route->transport = &transport;
    routes["defaultApp"] = route;
  }
  void AppConfig(std::string_view json) { route->app_config = ParseRestClientConfig(json).config; }
  void SessionConfig(const std::string& json) {
    sessions.Apply(testing::OpenSession(testing::kSession, json), MonoTime());
  }
  Decision OnStatus() { return Decide(testing::StatusEvent("a", "PUBLISHING"), sessions, routes); }

  testing::RecordingLog log;
  SessionTable sessions{log};
  testing::ScriptedTransport transport;
  std::shared_ptr<Route> route = std::make_shared<Route>();
  RouteTable routes;
};

TEST_F(DecisionTest, TheDefaultsNotifyAndLog) {
  const Decision decision = OnStatus();
  EXPECT_EQ(decision.backend, Backend::kSend);
  EXPECT_EQ(decision.route, route);
  EXPECT_EQ(decision.on_error, OnError::kLog);
  EXPECT_EQ(decision.client_exclude, nullptr);
  EXPECT_EQ(decision.rest_exclude, nullptr);
}

TEST_F(DecisionTest, TheAppsConfigGovernsASessionWithoutOne) {
  AppConfig(R"({"StreamStatusEvent":{"restOnError":"FAIL","restExclude":"sdp"}})");
  EXPECT_EQ(OnStatus().on_error, OnError::kFail);
  ASSERT_NE(OnStatus().rest_exclude, nullptr);
  EXPECT_EQ(*OnStatus().rest_exclude, FieldSet{"sdp"});
}

TEST_F(DecisionTest, TheSessionsConfigGovernsWhole) {
  AppConfig(R"({"StreamStatusEvent":{"restOnError":"FAIL","restExclude":"sdp"}})");
  SessionConfig(R"({"StreamStatusEvent":{"clientExclude":"name"}})");
  const Decision decision = OnStatus();
  EXPECT_EQ(decision.on_error, OnError::kLog);
  EXPECT_EQ(decision.rest_exclude, nullptr);
  EXPECT_EQ(*decision.client_exclude, FieldSet{"name"});
}

TEST_F(DecisionTest, AMethodThatTheSessionDoesNotListHasTheDefaults) {
  AppConfig(R"({"StreamStatusEvent":{"restOnError":"FAIL"}})");
  SessionConfig(R"({"ConnectionStatusEvent":{"restOnError":"FAIL"}})");
  EXPECT_EQ(OnStatus().on_error, OnError::kLog);
}

TEST_F(DecisionTest, DisableKeepsTheClientsCopy) {
  SessionConfig(R"({"StreamStatusEvent":{"restPolicy":"DISABLE","clientExclude":"sdp"}})");
  const Decision decision = OnStatus();
  EXPECT_EQ(decision.backend, Backend::kDisabled);
  EXPECT_EQ(*decision.client_exclude, FieldSet{"sdp"});
  EXPECT_EQ(decision.route, nullptr);
}

TEST_F(DecisionTest, AnUnknownAppHasNoBackendButItsSessionsConfigHolds) {
  routes.clear();
  SessionConfig(R"({"StreamStatusEvent":{"clientExclude":"sdp"}})");
  EXPECT_EQ(OnStatus().backend, Backend::kNone);
  EXPECT_EQ(*OnStatus().client_exclude, FieldSet{"sdp"});
}

TEST_F(DecisionTest, AnAppWithoutAUrlHasNoBackendButItsConfigHolds) {
  route->transport = nullptr;
  AppConfig(R"({"StreamStatusEvent":{"clientExclude":"sdp"}})");
  EXPECT_EQ(OnStatus().backend, Backend::kNone);
  EXPECT_EQ(*OnStatus().client_exclude, FieldSet{"sdp"});
}

TEST_F(DecisionTest, TheListOfMethodsGates) {
  route->methods = {"ConnectionStatusEvent", "StreamStatusEvent"};
  EXPECT_EQ(OnStatus().backend, Backend::kSend);
  route->methods = {"ConnectionStatusEvent"};
  EXPECT_EQ(OnStatus().backend, Backend::kNotListed);
}

TEST_F(DecisionTest, AnErrorEventGoesOnlyWhereItIsListedAndNeverCausesAnother) {
  Event error = testing::StatusEvent("a", "FAILED");
  error.method = kErrorEvent;
  EXPECT_EQ(Decide(error, sessions, routes).backend, Backend::kNotListed);
  route->methods = {"ErrorEvent"};
  SessionConfig(R"({"ErrorEvent":{"restOnError":"FAIL"}})");
  const Decision decision = Decide(error, sessions, routes);
  EXPECT_EQ(decision.backend, Backend::kSend);
  EXPECT_EQ(decision.on_error, OnError::kLog);
}

}  // namespace
}  // namespace tallybus
