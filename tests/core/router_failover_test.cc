// A route with several endpoints: what fails at one goes to another, in order, and each is told of,
// decided and remembered by itself. And a route that only rehearses.
#include "tallybus/desk.h"
#include "tests/core/router_bench.h"
#include "tests/core/surviving_spool.h"

namespace tallybus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Verb = Desk::Verb;

class RouterFailoverTest : public RouterBench {
 protected:
  RouterFailoverTest() : RouterBench(std::make_unique<SurvivingSpool>()) {
    RemoveRoute(kApp);
    auto route = NewOtherRoute("billing");
    route->delivery = DeliveryMode::kGuaranteed;
    route->endpoint.url = "http://one";
    route->alternatives = {route->endpoint};
    route->alternatives[0].url = "http://two";
    AddRoute(route);
    transport.Run([this](const ScriptedTransport::Attempt& attempt) {
      return attempt.url == away || away == "all" ? Refused() : Answered(200);
    });
  }
  std::vector<std::string> Urls() const {
    std::vector<std::string> urls;
    for (const auto& attempt : transport.attempts()) urls.push_back(attempt.url);
    return urls;
  }
  EndpointStatus Endpoint(size_t place) { return router->desk().Endpoints().at(place); }
  absl::Status Control(Verb verb, const std::string& name) {
    return router->desk().Control(name, verb, "because", "ann");
  }

  std::string away;  // an URL, or "all"
};

TEST_F(RouterFailoverTest, WhatFailsAtTheFirstGoesToTheSecondWithItsNextAttempt) {
  away = "http://one";
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "STOPPED"));
  RunFor(absl::Seconds(1));
  EXPECT_THAT(Urls(), ElementsAre("http://one", "http://two", "http://one", "http://two"));
  EXPECT_THAT(transport.Story(),
              ElementsAre("a PUBLISHING", "a PUBLISHING", "a STOPPED", "a STOPPED"))
      << "in order: the second event waits for the first";
}

TEST_F(RouterFailoverTest, OnceTheFirstIsKnownToBeAwayAllGoToTheSecondUntilAProbeSucceeds) {
  away = "http://one";
  for (int i = 0; i < 6; ++i) Send(StatusEvent("s" + std::to_string(i), "PUBLISHING"));
  RunFor(absl::Seconds(1));
  EXPECT_EQ(Endpoint(0).state, "breaker open");
  EXPECT_EQ(Endpoint(1).state, "ready");
  EXPECT_EQ(Endpoint(0).route, "billing#1");
  EXPECT_EQ(Endpoint(1).url, "http://two");
  const size_t before = transport.attempts().size();
  Send(StatusEvent("later", "PUBLISHING"));
  EXPECT_EQ(transport.attempts().size(), before + 1);
  EXPECT_EQ(transport.attempts().back().url, "http://two");
  away = "";
  RunForAmongOthers(absl::Minutes(2));
  EXPECT_EQ(Endpoint(0).state, "ready");
  EXPECT_EQ(transport.attempts().back().url, "http://one");
}

TEST_F(RouterFailoverTest, AnAlertNamesTheEndpointAndGoesToNoneOfItsRoute) {
  const_cast<RouteMatch&>(routes.others[0]->match).methods = {"StreamStatusEvent",
                                                              "TallybusAlertEvent"};
  away = "http://one";
  for (int i = 0; i < 6; ++i) Send(StatusEvent("s" + std::to_string(i), "PUBLISHING"));
  RunFor(absl::Seconds(1));
  const auto alerts = router->desk().Alerts();
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].subject, "billing#1");
  EXPECT_EQ(alerts[0].text,
            "the endpoint fails (connection refused); its events go to the route's other "
            "endpoints");
  for (const auto& attempt : transport.attempts()) EXPECT_NE(attempt.event.method, kAlertEvent);
}

TEST_F(RouterFailoverTest, AReloadThatTakesAnEndpointAwayResolvesWhatWasWrongWithIt) {
  away = "http://two";
  ASSERT_TRUE(Control(Verb::kPause, "billing#1").ok());
  for (int i = 0; i < 6; ++i) Send(StatusEvent("s" + std::to_string(i), "PUBLISHING"));
  ASSERT_THAT(router->desk().Alerts(), SizeIs(1));
  EXPECT_THAT(router->desk().Alerts()[0].text, EndsWith("; its events wait")) << "one is paused";
  ASSERT_TRUE(Control(Verb::kResume, "billing#1").ok());
  auto alone = std::make_shared<Route>(*routes.others[0]);
  alone->alternatives.clear();
  routes.others[0] = alone;
  router->SetRoutes(routes);
  RunFor(absl::Seconds(10));
  EXPECT_THAT(router->desk().Alerts(), IsEmpty());
  EXPECT_EQ(Endpoint(0).waiting, 0u);
}

TEST_F(RouterFailoverTest, OneCanBePausedByItsNameAndARestartKeepsThat) {
  ASSERT_TRUE(Control(Verb::kPause, "billing#1").ok());
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Urls(), ElementsAre("http://two"));
  Restart();
  EXPECT_EQ(Endpoint(0).state, "paused");
  EXPECT_EQ(Endpoint(1).state, "ready");
  Send(StatusEvent("b", "PUBLISHING"));
  EXPECT_EQ(transport.attempts().back().url, "http://two");
  ASSERT_TRUE(Control(Verb::kResume, "billing").ok());
  EXPECT_EQ(Endpoint(0).state, "ready");
}

TEST_F(RouterFailoverTest, ADecisionStaysWithItsUrlOverAReloadAndARestart) {
  const auto reload = [this](const std::vector<std::string>& urls) {
    auto route = std::make_shared<Route>(*routes.others[0]);
    route->endpoint.url = urls[0];
    route->alternatives.clear();
    for (size_t i = 1; i < urls.size(); ++i) {
      route->alternatives.push_back(route->endpoint);
      route->alternatives.back().url = urls[i];
    }
    routes.others[0] = route;
    router->SetRoutes(routes);
    Run();
  };
  ASSERT_TRUE(Control(Verb::kDisable, "billing#1").ok());
  Run();
  reload({"http://two", "http://one"});
  Restart();
  EXPECT_EQ(Endpoint(0).state, "ready");
  EXPECT_EQ(Endpoint(1).state, "disabled");
  reload({"http://two"});
  EXPECT_EQ(Endpoint(0).state, "ready");
  Restart();
  EXPECT_EQ(Endpoint(0).state, "ready") << "what was decided of one that is gone is nobody's";
  ASSERT_TRUE(Control(Verb::kPause, "billing").ok());
  Run();
  reload({"http://two", "http://one"});
  ASSERT_TRUE(Control(Verb::kResume, "billing#1").ok());
  Run();
  Restart();
  EXPECT_EQ(Endpoint(0).state, "ready") << "it was resumed, under its new name";
}

TEST_F(RouterFailoverTest, WhatOneThatIsGoneDoesNotTakeGoesToTheOther) {
  transport.Run([](const ScriptedTransport::Attempt& attempt) {
    return Answered(attempt.url == "http://one" ? 410 : 200);
  });
  Send(StatusEvent("a", "STOPPED"));
  RunFor(absl::Seconds(1));
  EXPECT_THAT(Urls(), ElementsAre("http://one", "http://two"));
  EXPECT_EQ(Endpoint(0).state, "disabled");
  EXPECT_EQ(Endpoint(0).waiting, 0u);
  EXPECT_EQ(Count("tallybus_events_rejected_total", {{"route", "billing"}}), 0u);
}

class RouterBatchFailoverTest : public RouterFailoverTest {
 protected:
  RouterBatchFailoverTest() {
    auto batched = std::make_shared<Route>(*routes.others[0]);
    batched->batch = BatchLimits{.max_events = 3, .max_wait = absl::Milliseconds(10)};
    routes.others[0] = batched;
    router->SetRoutes(routes);
  }
  void SendThree() {
    for (const char* name : {"a", "b", "c"}) Send(StatusEvent(name, "STOPPED"));
    RunFor(absl::Seconds(1));
  }
  uint64_t Rejected() { return Count("tallybus_events_rejected_total", {{"route", "billing"}}); }
};

TEST_F(RouterBatchFailoverTest, WhatOneThatIsGoneDoesNotTakeGoesToTheOther) {
  transport.Run([](const ScriptedTransport::Attempt& attempt) {
    return Answered(attempt.url == "http://one" ? 410 : 200);
  });
  SendThree();
  EXPECT_THAT(Urls(), ElementsAre("http://one", "http://two"));
  for (const auto& attempt : transport.attempts()) {
    EXPECT_THAT(attempt.batch, ElementsAre("a", "b", "c"));
  }
  EXPECT_EQ(Endpoint(0).state, "disabled");
  EXPECT_EQ(Endpoint(1).state, "ready");
  EXPECT_EQ(Endpoint(0).waiting, 0u);
  EXPECT_EQ(Rejected(), 0u);
}

TEST_F(RouterBatchFailoverTest, WhereAllAreGoneItIsDeadLetters) {
  transport.Run([](const ScriptedTransport::Attempt&) { return Answered(410); });
  SendThree();
  EXPECT_THAT(Urls(), ElementsAre("http://one", "http://two"));
  EXPECT_EQ(Endpoint(1).state, "disabled");
  EXPECT_EQ(Endpoint(0).waiting, 0u);
  EXPECT_EQ(Rejected(), 3u);
}

TEST_F(RouterFailoverTest, ByTheRoutesNameAllAreMeant) {
  ASSERT_TRUE(Control(Verb::kPause, "billing").ok());
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Urls(), IsEmpty());
  EXPECT_THAT(Control(Verb::kPause, "billing#3").ToString(),
              HasSubstr("billing has no endpoint 3, but 2"));
  ASSERT_TRUE(Control(Verb::kResume, "billing#2").ok());
  Run();
  EXPECT_THAT(Urls(), ElementsAre("http://two"));
}

TEST_F(RouterFailoverTest, ATestGoesToTheEndpointThatIsNamed) {
  router->desk().Test("billing#2", [](const auto& result) { EXPECT_TRUE(result.ok()); });
  EXPECT_THAT(Urls(), ElementsAre("http://two"));
}

TEST_F(RouterFailoverTest, WhereBothAreAwayNothingIsGivenUp) {
  away = "all";
  for (int i = 0; i < 12; ++i) Send(StatusEvent("s" + std::to_string(i), "PUBLISHING"));
  RunFor(absl::Hours(2));
  EXPECT_EQ(Endpoint(0).waiting, 12u);
  away = "";
  RunFor(absl::Minutes(2));
  EXPECT_EQ(Endpoint(0).waiting, 0u);
  EXPECT_EQ(Count("tallybus_events_given_up_total", {{"route", "billing"}}), 0u);
}

TEST_F(RouterFailoverTest, WhatWaitsForARouteThatRehearsesFromNowOnWaits) {
  away = "all";
  Send(StatusEvent("a", "PUBLISHING"));
  auto rehearsing = std::make_shared<Route>(*routes.others[0]);
  rehearsing->dry_run = true;
  routes.others[0] = rehearsing;
  router->SetRoutes(routes);
  away = "";
  const size_t before = transport.attempts().size();
  RunFor(absl::Minutes(5));
  EXPECT_EQ(transport.attempts().size(), before);
  EXPECT_EQ(Endpoint(0).waiting, 1u);
}

TEST_F(RouterFailoverTest, ARouteThatRehearsesCountsAndTracesAndSendsNothing) {
  auto rehearsing = std::make_shared<Route>(*routes.others[0]);
  rehearsing->dry_run = true;
  routes.others[0] = rehearsing;
  router->SetRoutes(routes);
  EXPECT_EQ(Endpoint(0).state, "dry run");
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(transport.attempts(), IsEmpty());
  EXPECT_EQ(Count("tallybus_events_not_sent_total", {{"reason", "dry_run"}}), 1u);
  EXPECT_EQ(Count("tallybus_events_dry_run_total", {{"route", "billing"}}), 1u);
  Trace trace;
  router->desk().FindTrace("a", [&](Trace found) { trace = std::move(found); });
  Run();
  ASSERT_THAT(trace.events, SizeIs(1));
  bool told = false;
  for (const TracedRoute& way : trace.events[0].routes) {
    told |= way.route == "billing" && way.not_sent == NotSentReason::kDryRun;
  }
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace tallybus::testing
