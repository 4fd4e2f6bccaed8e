// Who gets an event: the session's config, else the app's, else the defaults; and the route's list.
#include "policy/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_builder.h"
#include "tests/support/recording_log.h"
#include "tests/support/scripted_transport.h"

namespace tallybus {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

using Backend = Decision::Backend;

class DecisionTest : public ::testing::Test {
 protected:
  DecisionTest() {
    route->name = "defaultApp/backend";
    route->app_config = std::make_shared<RestClientConfig>();
    route->transport = &transport;
    routes.by_app["defaultApp"] = route;
  }
  void AppConfig(std::string_view json) { route->app_config = ParseRestClientConfig(json).config; }
  void SessionConfig(const std::string& json) {
    sessions.Apply(testing::OpenSession(testing::kSession, json), MonoTime());
  }
  std::shared_ptr<Route> AddRoute(const std::string& name) {
    auto other = std::make_shared<Route>();
    other->name = name;
    other->of_app = false;
    other->transport = &transport;
    routes.others.push_back(other);
    return other;
  }
  Target AtBackend() { return OnStatus().targets.at(0); }
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
  EXPECT_EQ(decision.client_exclude, nullptr);
  ASSERT_THAT(decision.targets, SizeIs(1));
  EXPECT_EQ(decision.targets[0].route, route);
  EXPECT_EQ(decision.targets[0].on_error, OnError::kLog);
  EXPECT_EQ(decision.targets[0].exclude, nullptr);
}

TEST_F(DecisionTest, ARehearsalIsTheSameDecision) {
  AppConfig(R"({"StreamStatusEvent":{"restExclude":"sdp"}})");
  AddRoute("billing");
  AddRoute("dry")->dry_run = true;
  const Event event = testing::StatusEvent("a", "PUBLISHING");
  const auto session =
      ParseRestClientConfig(R"({"StreamStatusEvent":{"restOnError":"FAIL"}})").config;
  const Rehearsal by_app = Rehearse(event, nullptr, routes);
  ASSERT_THAT(by_app.targets, SizeIs(2));
  EXPECT_EQ(*by_app.targets[0].exclude, FieldSet{"sdp"});
  ASSERT_THAT(by_app.rehearsed, SizeIs(1));
  EXPECT_EQ(by_app.rehearsed[0]->name, "dry");
  EXPECT_TRUE(by_app.for_clients);
  const Rehearsal by_session = Rehearse(event, session, routes);
  EXPECT_EQ(by_session.targets.at(0).exclude, nullptr) << "it governs whole";
  EXPECT_EQ(by_session.targets.at(0).on_error, OnError::kFail);
}

TEST_F(DecisionTest, OverwriteGoesWithTheBackendsTargetAlone) {
  AddRoute("billing");
  EXPECT_FALSE(AtBackend().overwrites);
  SessionConfig(R"({"StreamStatusEvent":{"restPolicy":"OVERWRITE","restOverwrite":"sdp"}})");
  const Decision decision = OnStatus();
  ASSERT_THAT(decision.targets, SizeIs(2));
  EXPECT_TRUE(decision.targets[0].overwrites);
  EXPECT_EQ(*decision.targets[0].overwrite, FieldSet{"sdp"});
  EXPECT_FALSE(decision.targets[1].overwrites);
  SessionConfig(R"({"StreamStatusEvent":{"restPolicy":"OVERWRITE"}})");
  EXPECT_TRUE(AtBackend().overwrites) << "the copy waits though no field is listed";
  EXPECT_EQ(AtBackend().overwrite, nullptr);
}

TEST_F(DecisionTest, TheAppsConfigGovernsASessionWithoutOne) {
  AppConfig(R"({"StreamStatusEvent":{"restOnError":"FAIL","restExclude":"sdp"}})");
  EXPECT_EQ(AtBackend().on_error, OnError::kFail);
  ASSERT_NE(AtBackend().exclude, nullptr);
  EXPECT_EQ(*AtBackend().exclude, FieldSet{"sdp"});
}

TEST_F(DecisionTest, TheSessionsConfigGovernsWhole) {
  AppConfig(R"({"StreamStatusEvent":{"restOnError":"FAIL","restExclude":"sdp"}})");
  SessionConfig(R"({"StreamStatusEvent":{"clientExclude":"name"}})");
  EXPECT_EQ(AtBackend().on_error, OnError::kLog);
  EXPECT_EQ(AtBackend().exclude, nullptr);
  EXPECT_EQ(*OnStatus().client_exclude, FieldSet{"name"});
}

TEST_F(DecisionTest, AMethodThatTheSessionDoesNotListHasTheDefaults) {
  AppConfig(R"({"StreamStatusEvent":{"restOnError":"FAIL"}})");
  SessionConfig(R"({"ConnectionStatusEvent":{"restOnError":"FAIL"}})");
  EXPECT_EQ(AtBackend().on_error, OnError::kLog);
}

TEST_F(DecisionTest, DisableKeepsTheClientsCopy) {
  SessionConfig(R"({"StreamStatusEvent":{"restPolicy":"DISABLE","clientExclude":"sdp"}})");
  const Decision decision = OnStatus();
  EXPECT_EQ(decision.backend, Backend::kDisabled);
  EXPECT_EQ(*decision.client_exclude, FieldSet{"sdp"});
  EXPECT_THAT(decision.targets, IsEmpty());
}

TEST_F(DecisionTest, AnUnknownAppHasNoBackendButItsSessionsConfigHolds) {
  routes.by_app.clear();
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
  route->match.methods = {"ConnectionStatusEvent", "StreamStatusEvent"};
  EXPECT_EQ(OnStatus().backend, Backend::kSend);
  route->match.methods = {"ConnectionStatusEvent"};
  EXPECT_EQ(OnStatus().backend, Backend::kNotListed);
}

TEST_F(DecisionTest, AnErrorEventGoesOnlyWhereItIsListedAndNeverCausesAnother) {
  Event error = testing::StatusEvent("a", "FAILED");
  error.method = kErrorEvent;
  EXPECT_EQ(Decide(error, sessions, routes).backend, Backend::kNotListed);
  route->match.methods = {"ErrorEvent"};
  SessionConfig(R"({"ErrorEvent":{"restOnError":"FAIL"}})");
  const Decision decision = Decide(error, sessions, routes);
  EXPECT_EQ(decision.backend, Backend::kSend);
  EXPECT_EQ(decision.targets.at(0).on_error, OnError::kLog);
}

TEST_F(DecisionTest, OtherRoutesComeAfterTheBackendAndHaveTheirOwnRules) {
  SessionConfig(R"({"StreamStatusEvent":{"restOnError":"FAIL","restExclude":"sdp"}})");
  AddRoute("billing")->exclude = std::make_shared<const FieldSet>(FieldSet{"name"});
  AddRoute("audit")->on_error = OnError::kFail;
  const Decision decision = OnStatus();
  ASSERT_THAT(decision.targets, SizeIs(3));
  EXPECT_EQ(decision.targets[0].route, route);
  EXPECT_EQ(decision.targets[1].route->name, "billing");
  EXPECT_EQ(*decision.targets[1].exclude, FieldSet{"name"});
  EXPECT_EQ(decision.targets[1].on_error, OnError::kLog);
  EXPECT_EQ(decision.targets[2].exclude, nullptr);
  EXPECT_EQ(decision.targets[2].on_error, OnError::kFail);
}

TEST_F(DecisionTest, DisableStopsTheAppsBackendAlone) {
  SessionConfig(R"({"StreamStatusEvent":{"restPolicy":"DISABLE"}})");
  AddRoute("billing");
  ASSERT_THAT(OnStatus().targets, SizeIs(1));
  EXPECT_EQ(OnStatus().targets[0].route->name, "billing");
}

TEST_F(DecisionTest, ARouteTakesTheAppsMethodsAndStatusesThatItLists) {
  auto other = AddRoute("billing");
  const auto takes = [&] { return OnStatus().targets.size() == 2; };
  EXPECT_TRUE(takes()) << "what lists nothing takes all";
  other->match = {.apps = {"defaultApp"},
                  .methods = {"StreamStatusEvent"},
                  .statuses = {"STOPPED", "PUBLISHING"}};
  EXPECT_TRUE(takes());
  other->match.statuses = {"STOPPED"};
  EXPECT_FALSE(takes());
  other->match.statuses = {};
  other->match.apps = {"another"};
  EXPECT_FALSE(takes());
  other->match.apps = {};
  other->match.methods = {"CallStatusEvent"};
  EXPECT_FALSE(takes());
}

TEST_F(DecisionTest, WhatTheRouterSaysOfItselfGoesWhereItIsListedAndCausesNoErrorEvent) {
  auto other = AddRoute("pager");
  other->on_error = OnError::kFail;
  for (std::string_view method : {kErrorEvent, kAlertEvent}) {
    Event event = testing::StatusEvent("a", "FAILED");
    event.method = method;
    other->match.methods = {};
    EXPECT_THAT(Decide(event, sessions, routes).targets, IsEmpty());
    other->match.methods = {std::string(method)};
    const Decision decision = Decide(event, sessions, routes);
    ASSERT_THAT(decision.targets, SizeIs(1));
    EXPECT_EQ(decision.targets[0].on_error, OnError::kLog);
  }
}

TEST_F(DecisionTest, ARouteWithoutATransportTakesNothing) {
  AddRoute("billing")->transport = nullptr;
  EXPECT_THAT(OnStatus().targets, SizeIs(1));
}

TEST_F(DecisionTest, ATableFindsItsRoutesByTheirNames) {
  auto other = AddRoute("billing");
  EXPECT_EQ(routes.Find("defaultApp/backend"), route);
  EXPECT_EQ(routes.Find("billing"), other);
  EXPECT_EQ(routes.Find("defaultApp"), nullptr);
}

}  // namespace
}  // namespace tallybus
