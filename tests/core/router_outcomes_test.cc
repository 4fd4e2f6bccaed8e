// What becomes of events that must arrive, of whole outages, and who is told.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>

#include "tests/core/router_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kBackend[] = "defaultApp/backend";

class RouterOutcomesTest : public RouterBench {
 protected:
  RouterOutcomesTest() {
    auto route = NewRoute();
    route->delivery = DeliveryMode::kGuaranteed;
    SetRoute(route);
    transport.Run([this](const auto& a) { return answer(a); });
  }

  std::vector<std::string> Errors() const { return channel.Of("ErrorEvent"); }
  std::vector<std::string> Alerts() {
    std::vector<std::string> names;
    for (const AlertStatus& alert : router->desk().Alerts()) {
      names.push_back(alert.name + " " + alert.subject);
    }
    return names;
  }
  std::vector<StoredRow> DeadLetters() {
    std::vector<StoredRow> found;
    StoredFilter filter;
    filter.dead = true;
    router->desk().Find(filter, [&](absl::StatusOr<StoredPage> page) { found = page->rows; });
    Run();
    return found;
  }
  // A route that takes what the router says of itself.
  void AddPager(const std::string& name) {
    auto pager = NewOtherRoute(name);
    pager->match.methods = {std::string(kAlertEvent)};
    AddRoute(pager);
  }
  // "<alert> <status> <subject>" of each alert that reached this address.
  std::vector<std::string> Paged(const std::string& name) const {
    std::vector<std::string> paged;
    for (const auto& attempt : transport.attempts()) {
      if (attempt.url != "http://" + name) continue;
      for (const char* alert : {"BreakerOpen", "EndpointHeld", "EndpointGone", "DeadLetters",
                                "OldestEventLate", "SpoolFault"}) {
        if (attempt.body.find(absl::StrCat("\"alert\":\"", alert, "\"")) != std::string::npos) {
          paged.push_back(absl::StrCat(alert, " ", attempt.event.status));
        }
      }
    }
    return paged;
  }
  size_t AttemptsAt(const std::string& url) const {
    const auto& all = transport.attempts();
    return static_cast<size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& a) { return a.url == url; }));
  }

  std::function<std::optional<DeliveryResult>(const ScriptedTransport::Attempt&)> answer =
      [](const auto&) { return Answered(200); };
};

TEST_F(RouterOutcomesTest, A401HoldsTheEndpointWithAnAlertAndLosesNothing) {
  int code = 401;
  answer = [&](const auto&) { return Answered(code); };
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  Send(StatusEvent("b", "PUBLISHING"));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(Alerts(), ElementsAre("EndpointHeld defaultApp/backend"));
  EXPECT_EQ(router->desk().Endpoints().at(0).state, "held");
  RunFor(absl::Minutes(10));
  EXPECT_LE(transport.attempts().size(), 22u) << "slow probes alone";
  EXPECT_GE(transport.attempts().size(), 10u);
  EXPECT_EQ(router->Totals().waiting, 3u);
  code = 200;
  RunFor(absl::Minutes(1));
  EXPECT_EQ(router->Totals().delivered, 3u);
  EXPECT_EQ(router->Totals().given_up, 0u);
  EXPECT_THAT(Alerts(), ::testing::Not(::testing::Contains(HasSubstr("EndpointHeld"))));
}

TEST_F(RouterOutcomesTest, A401HeldForADayBurnsNoAttempt) {
  int code = 401;
  answer = [&](const auto&) { return Answered(code); };
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Hours(24));
  code = 200;
  RunFor(absl::Minutes(1));
  EXPECT_EQ(router->Totals().delivered, 1u);
}

TEST_F(RouterOutcomesTest, A404HoldsItsMethodAlone) {
  bool mended = false;
  answer = [&](const auto& a) {
    return Answered(a.event.method == kStreamStatusEvent && !mended ? 404 : 200);
  };
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("b", "PUBLISHING"));
  Event other = StatusEvent("c", "CONNECTED");
  other.method = kConnectionStatusEvent;
  for (int i = 0; i < 20; ++i) Send(other);
  EXPECT_EQ(router->Totals().delivered, 20u);
  EXPECT_EQ(router->Totals().waiting, 2u);
  EXPECT_THAT(Alerts(), ElementsAre("EndpointHeld defaultApp/backend"));
  ASSERT_THAT(router->desk().Endpoints().at(0).held_methods, SizeIs(1));
  EXPECT_EQ(router->desk().Endpoints().at(0).held_methods[0].method, kStreamStatusEvent);
  RunFor(absl::Minutes(10));
  EXPECT_LE(transport.attempts().size(), 20u + 24u);
  mended = true;
  RunFor(absl::Minutes(2));
  EXPECT_EQ(router->Totals().delivered, 22u);
}

TEST_F(RouterOutcomesTest, A410DisablesTheEndpointUntilItIsEnabledByHand) {
  int code = 410;
  answer = [&](const auto&) { return Answered(code, "Gone"); };
  Send(StatusEvent("a", "PUBLISHING"));
  for (int i = 0; i < 200; ++i) Send(StatusEvent("b" + std::to_string(i), "PUBLISHING"));
  RunFor(absl::Hours(1));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(Alerts(), ElementsAre("DeadLetters spool", "EndpointGone defaultApp/backend"));
  EXPECT_EQ(DeadLetters().size(), 201u);
  code = 200;
  ASSERT_TRUE(router->desk().Control(kBackend, Desk::Verb::kEnable, "", "ann").ok());
  Send(StatusEvent("c", "PUBLISHING"));
  EXPECT_EQ(router->Totals().delivered, 1u);
  EXPECT_THAT(Alerts(), ElementsAre("DeadLetters spool"));
}

TEST_F(RouterOutcomesTest, A400IsADeadLetterAndTheLaneGoesOn) {
  answer = [](const auto& a) {
    return a.event.terminal ? Answered(200) : Answered(400, "Bad Request");
  };
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  EXPECT_THAT(transport.Story(), ElementsAre("a PUBLISHING", "a UNPUBLISHED"));
  const auto dead = DeadLetters();
  ASSERT_THAT(dead, SizeIs(1));
  EXPECT_EQ(dead[0].row->event->status, "PUBLISHING");
  EXPECT_EQ(dead[0].route, kBackend);
  EXPECT_EQ(dead[0].lane, "defaultApp/a");
  EXPECT_EQ(dead[0].http_status, 400);
  EXPECT_EQ(dead[0].attempts, 1);
  EXPECT_EQ(dead[0].reason, "Bad Request");
  EXPECT_EQ(dead[0].at, clock.WallNow());
}

TEST_F(RouterOutcomesTest, A429WithAHintPausesTheWholeEndpoint) {
  int code = 429;
  answer = [&](const auto&) {
    DeliveryResult result = Answered(code);
    result.retry_after = absl::Seconds(7);
    return result;
  };
  Send(StatusEvent("a", "PUBLISHING"));
  code = 200;
  Send(StatusEvent("b", "PUBLISHING"));
  RunFor(absl::Milliseconds(6'999));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_EQ(router->desk().Endpoints().at(0).state, "asked to wait");
  RunFor(absl::Milliseconds(1));
  EXPECT_EQ(router->Totals().delivered, 2u);
}

TEST_F(RouterOutcomesTest, AServerErrorIsTriedAgainUntilItIsTaken) {
  answer = [](const auto& a) { return Answered(a.attempt < 4 ? 503 : 200); };
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  RunForAmongOthers(absl::Minutes(1));
  std::vector<std::string> of_a;
  for (const std::string& step : transport.Story()) {
    if (step[0] == 'a') of_a.push_back(step.substr(2));
  }
  EXPECT_THAT(of_a, ElementsAre("PUBLISHING", "PUBLISHING", "PUBLISHING", "PUBLISHING",
                                "UNPUBLISHED", "UNPUBLISHED", "UNPUBLISHED", "UNPUBLISHED"));
}

TEST_F(RouterOutcomesTest, AHoldIsToldToItsClientOnceAndNotAsFinal) {
  Send(OpenSession(kSession, kFail));
  int code = 401;
  answer = [&](const auto&) { return Answered(code, "Unauthorized"); };
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Minutes(10));
  EXPECT_THAT(Errors(), ElementsAre(AllOf(HasSubstr("\"httpStatus\":401"),
                                          HasSubstr("\"attempt\":1,\"final\":false"))));
  code = 200;
  RunFor(absl::Minutes(2));
  EXPECT_THAT(Errors(), SizeIs(1));
}

TEST_F(RouterOutcomesTest, ARejectionAfterAFailureIsTheSecondAndLastErrorEvent) {
  Send(OpenSession(kSession, kFail));
  answer = [](const auto& a) { return Answered(a.attempt < 3 ? 500 : 400, "No"); };
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Minutes(1));
  EXPECT_THAT(Errors(), ElementsAre(HasSubstr("\"attempt\":1,\"final\":false"),
                                    HasSubstr("\"attempt\":3,\"final\":true")));
}

TEST_F(RouterOutcomesTest, WhatADisabledEndpointNeverGotIsToldAsFinal) {
  Send(OpenSession(kSession, kFail));
  ASSERT_TRUE(router->desk().Control(kBackend, Desk::Verb::kDisable, "moved", "ann").ok());
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(transport.attempts(), IsEmpty());
  EXPECT_THAT(Errors(), ElementsAre(HasSubstr("\"attempt\":0,\"final\":true")));
}

TEST_F(RouterOutcomesTest, WhatWaitsAtAPausedEndpointSaysSoOnce) {
  Send(OpenSession(kSession, kFail));
  ASSERT_TRUE(router->desk().Control(kBackend, Desk::Verb::kPause, "", "ann").ok());
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Minutes(10));
  EXPECT_THAT(Errors(),
              ElementsAre(HasSubstr("\"info\":\"waiting\",\"attempt\":0,\"final\":false")));
}

TEST_F(RouterOutcomesTest, ABackendThatWasAwayForFortyMinutesGetsItsBacklogInOrderByItself) {
  constexpr int kLanes = 100, kEvents = 10'000;
  bool up = false;
  std::map<std::string, std::vector<uint64_t>> arrived;
  int redelivered = 0;
  answer = [&](const auto& a) {
    if (!up) return Refused();
    arrived[a.lane].push_back(a.lane_sequence);
    redelivered += a.redelivery;
    return Answered(200);
  };
  for (int i = 0; i < kEvents; ++i) {
    Send(StatusEvent("n" + std::to_string(i % kLanes),
                     i / kLanes == 99 ? "UNPUBLISHED" : "PLAYING"));
    if (i % kLanes == 0) RunFor(absl::Seconds(24));
  }
  EXPECT_LT(transport.attempts().size(), 100u) << "the breaker probes, and no more";
  EXPECT_EQ(router->Totals().waiting, uint64_t{kEvents});
  EXPECT_THAT(Alerts(),
              ElementsAre("BreakerOpen defaultApp/backend", "OldestEventLate defaultApp/backend"));
  up = true;
  RunFor(absl::Minutes(2));
  EXPECT_EQ(router->Totals().delivered, uint64_t{kEvents});
  EXPECT_EQ(router->Totals().given_up, 0u);
  EXPECT_THAT(DeadLetters(), IsEmpty());
  EXPECT_THAT(Alerts(), IsEmpty());
  EXPECT_EQ(redelivered, 0) << "a refused connection delivers nothing";
  ASSERT_THAT(arrived, SizeIs(kLanes));
  for (const auto& [lane, sequences] : arrived) {
    ASSERT_THAT(sequences, SizeIs(kEvents / kLanes));
    for (size_t i = 0; i < sequences.size(); ++i) EXPECT_EQ(sequences[i], i + 1) << lane;
  }
}

TEST_F(RouterOutcomesTest, AnEndpointAwayForThreeDaysCostsWhatIsOlderThanThat) {
  answer = [](const auto&) { return Refused(); };
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Hours(70));
  EXPECT_THAT(DeadLetters(), IsEmpty());
  Send(StatusEvent("b", "PUBLISHING"));
  RunFor(absl::Hours(4));
  const auto dead = DeadLetters();
  ASSERT_THAT(dead, SizeIs(1));
  EXPECT_EQ(dead[0].row->event->name, "a");
}

TEST_F(RouterOutcomesTest, OneEndpointsTroubleDelaysNoOther) {
  AddRoute(NewOtherRoute("billing"));
  AddRoute(NewOtherRoute("audit"));
  answer = [](const auto& a) -> std::optional<DeliveryResult> {
    if (a.url == "http://billing") return Refused();
    if (a.url == "http://audit") return std::nullopt;  // takes it and never answers
    return Answered(200);
  };
  for (int i = 0; i < 200; ++i) {
    Send(StatusEvent("n" + std::to_string(i % 50), "PUBLISHING"));
    EXPECT_EQ(AttemptsAt("http://defaultApp"), static_cast<size_t>(i) + 1) << "at once";
  }
  for (const EndpointStatus& endpoint : router->desk().Endpoints()) {
    EXPECT_EQ(endpoint.waiting, endpoint.route == kBackend ? 0u : 200u) << endpoint.route;
  }
}

TEST_F(RouterOutcomesTest, AnAlertIsFiredOnceAndResolvedOnce) {
  AddPager("pager");
  bool up = false;
  answer = [&](const auto& a) { return a.url == "http://pager" || up ? Answered(200) : Refused(); };
  for (int i = 0; i < 20; ++i) Send(StatusEvent("n" + std::to_string(i), "PUBLISHING"));
  RunFor(absl::Minutes(4));
  EXPECT_THAT(Paged("pager"), ElementsAre("BreakerOpen FIRING"));
  EXPECT_EQ(metrics.GetGauge("tallybus_alerts_active", "", {{"alert", "BreakerOpen"}}).Value(), 1);
  up = true;
  RunFor(absl::Minutes(2));
  EXPECT_THAT(Paged("pager"), ElementsAre("BreakerOpen FIRING", "BreakerOpen RESOLVED"));
  EXPECT_EQ(metrics.GetGauge("tallybus_alerts_active", "", {{"alert", "BreakerOpen"}}).Value(), 0);
}

TEST_F(RouterOutcomesTest, AnAlertNeverGoesToTheRouteThatItConcerns) {
  AddPager("pager");
  AddPager("second");
  bool up = true;
  answer = [&](const auto& a) {
    return a.url == "http://pager" && !up ? Refused() : Answered(200);
  };
  up = false;
  for (int i = 0; i < 6; ++i) {
    Event event = StatusEvent("n" + std::to_string(i), "");
    event.method = kAlertEvent;
    Send(event);
  }
  ASSERT_THAT(Alerts(), ElementsAre("BreakerOpen pager"));
  EXPECT_THAT(Paged("second"), ElementsAre("BreakerOpen FIRING"));
  up = true;
  RunFor(absl::Minutes(2));
  EXPECT_THAT(Alerts(), IsEmpty());
  EXPECT_THAT(Paged("second"), ElementsAre("BreakerOpen FIRING", "BreakerOpen RESOLVED"));
  EXPECT_THAT(Paged("pager"), IsEmpty());
}

TEST_F(RouterOutcomesTest, AFaultOfTheSpoolIsAnAlertUntilItIsMended) {
  router->OnFault(absl::ResourceExhaustedError("no space left"));
  router->OnFault(absl::ResourceExhaustedError("no space left"));
  Run();
  EXPECT_THAT(Alerts(), ElementsAre("SpoolFault spool"));
  router->OnFault(absl::OkStatus());
  Run();
  EXPECT_THAT(Alerts(), IsEmpty());
}

TEST_F(RouterOutcomesTest, ARouteThatShedsIsOneAlertHoweverLongItSheds) {
  auto route = NewRoute();
  route->delivery = DeliveryMode::kGuaranteed;
  route->quota_bytes = 4'000;
  SetRoute(route);
  AddPager("pager");
  bool up = false;
  answer = [&](const auto& a) { return a.url == "http://pager" || up ? Answered(200) : Refused(); };
  for (int i = 0; i < 60; ++i) {
    for (int j = 0; j < 3; ++j) Send(StatusEvent("a", "PLAYING"));
    RunFor(absl::Seconds(1));
  }
  EXPECT_GT(Count("tallybus_events_shed_total", {{"route", kBackend}}), 100u);
  EXPECT_THAT(Alerts(), ::testing::Contains("RouteShedding defaultApp/backend"));
  size_t told = 0;
  for (const auto& attempt : transport.attempts()) {
    told += attempt.body.find("RouteShedding") != std::string::npos;
  }
  EXPECT_EQ(told, 1u);
  up = true;
  RunFor(absl::Minutes(2));
  EXPECT_THAT(Alerts(), IsEmpty());
}

TEST_F(RouterOutcomesTest, WhatOutlastsTheLongestOutageIsADeadLetterThoughItsEndpointTakesNothing) {
  for (const int code : {0, 401, 404}) {  // paused; held; its method held
    SCOPED_TRACE(code);
    RunFor(absl::Seconds(2));
    const size_t before = DeadLetters().size();
    answer = [=](const auto&) { return Answered(code); };
    if (code == 0) {
      ASSERT_TRUE(router->desk().Control(kBackend, Desk::Verb::kPause, "", "ann").ok());
    }
    for (int i = 0; i < 3; ++i) {
      Send(StatusEvent("a", "PUBLISHING"));
      Send(StatusEvent("b", "PUBLISHING"));
    }
    RunFor(absl::Seconds(2));
    clock.Advance(absl::Hours(71));
    Send(StatusEvent("a", "UNPUBLISHED"));
    RunFor(absl::Minutes(2));
    EXPECT_THAT(DeadLetters(), SizeIs(before));
    clock.Advance(absl::Hours(1));
    RunFor(absl::Minutes(2));
    ASSERT_THAT(DeadLetters(), SizeIs(before + 6));
    EXPECT_EQ(DeadLetters().back().reason, "its endpoint was away for too long");
    EXPECT_EQ(router->Totals().waiting, 1u) << "the last one is an hour old";
    EXPECT_THAT(Alerts(), ::testing::Contains("DeadLetters spool"));
    answer = [](const auto&) { return Answered(200); };
    ASSERT_TRUE(router->desk().Control(kBackend, Desk::Verb::kResume, "", "ann").ok());
    RunFor(absl::Minutes(2));
    EXPECT_EQ(router->Totals().waiting, 0u);
    EXPECT_EQ(transport.attempts().back().event.status, "UNPUBLISHED");
  }
}

}  // namespace
}  // namespace tallybus::testing
