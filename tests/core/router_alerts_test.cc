// Alerts that are about the router and its engines: when they begin, and when they are over.
#include <absl/strings/str_cat.h>

#include "tests/core/router_bench.h"
#include "tests/core/surviving_spool.h"

namespace tallybus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kEngine = 5;

class RouterAlertsTest : public RouterBench {
 protected:
  RouterAlertsTest() : RouterBench(std::make_unique<SurvivingSpool>()) {
    transport.Run([](const auto&) { return Answered(200); });
    auto pager = NewOtherRoute("pager");
    pager->match.methods = {std::string(kAlertEvent)};
    AddRoute(pager);
  }

  static PublisherChange Of(PublisherChange::Action action, uint64_t dropped = 0) {
    return {action, SourceOfEpoch(kEngine), kEngine, kNode, dropped};
  }
  std::vector<std::string> Active() {
    std::vector<std::string> names;
    for (const AlertStatus& alert : router->desk().Alerts()) {
      names.push_back(absl::StrCat(alert.name, " ", alert.subject));
    }
    return names;
  }
  // "<alert> <status>" of each that reached the pager.
  std::vector<std::string> Paged() const {
    std::vector<std::string> paged;
    for (const auto& attempt : transport.attempts()) {
      const std::string mark = "\"alert\":\"";
      const size_t at = attempt.body.find(mark);
      if (attempt.url != "http://pager" || at == std::string::npos) continue;
      const size_t name = at + mark.size();
      paged.push_back(absl::StrCat(attempt.body.substr(name, attempt.body.find('"', name) - name),
                                   " ", attempt.event.status));
    }
    return paged;
  }
  // Something to do each second, as the bus has.
  void Idle(absl::Duration time) {
    for (const MonoTime end = clock.Now() + time; clock.Now() < end;) {
      clock.Advance(absl::Seconds(1));
      Run();
    }
  }
};

TEST_F(RouterAlertsTest, AnEngineThatDropsIsAnAlertUntilItDroppedNoneForAMinute) {
  Send(Of(PublisherChange::Action::kHello));
  Send(Of(PublisherChange::Action::kDropped, 7));
  EXPECT_THAT(Active(), ElementsAre(absl::StrCat("EngineDropping ", kNode)));
  EXPECT_THAT(log.Text(), HasSubstr("it dropped 7 events"));
  Idle(absl::Seconds(40));
  Send(Of(PublisherChange::Action::kDropped, 2));
  Idle(absl::Seconds(59));
  EXPECT_THAT(Paged(), ElementsAre("EngineDropping FIRING"));
  Idle(absl::Seconds(2));
  EXPECT_THAT(Active(), IsEmpty());
  EXPECT_THAT(Paged(), ElementsAre("EngineDropping FIRING", "EngineDropping RESOLVED"));
}

TEST_F(RouterAlertsTest, ClientsThatLoseMessagesAreAnAlertUntilTheyLostNoneForAMinute) {
  Idle(absl::Seconds(5));
  EXPECT_THAT(Active(), IsEmpty());
  channel.lost = 3;
  Idle(absl::Seconds(1));
  EXPECT_THAT(Active(), ElementsAre("ClientGaps clients"));
  Idle(absl::Seconds(40));
  channel.lost = 4;
  Idle(absl::Seconds(59));
  EXPECT_THAT(Paged(), ElementsAre("ClientGaps FIRING"));
  Idle(absl::Seconds(3));
  EXPECT_THAT(Active(), IsEmpty());
  EXPECT_THAT(Paged(), ElementsAre("ClientGaps FIRING", "ClientGaps RESOLVED"));
}

TEST_F(RouterAlertsTest, ARefusedReloadIsAnAlertUntilTheNextGoodOne) {
  router->NoteReload(absl::OkStatus());
  Run();
  EXPECT_THAT(Active(), IsEmpty());
  for (int i = 0; i < 2; ++i) {
    router->NoteReload(absl::InvalidArgumentError("tallybus.yaml:3:5: unknown key"));
    Run();
  }
  EXPECT_THAT(Active(), ElementsAre("ReloadFailed config"));
  EXPECT_THAT(router->desk().Alerts()[0].text, HasSubstr("tallybus.yaml:3:5: unknown key"));
  EXPECT_FALSE(router->desk().Alerts()[0].critical);
  router->NoteReload(absl::OkStatus());
  Run();
  EXPECT_THAT(Active(), IsEmpty());
  EXPECT_THAT(Paged(), ElementsAre("ReloadFailed FIRING", "ReloadFailed RESOLVED"));
}

TEST_F(RouterAlertsTest, AFullQuotaSaysWhoGivesWay) {
  for (const bool block : {false, true}) {
    auto route = NewRoute();
    route->delivery = DeliveryMode::kGuaranteed;
    route->quota_bytes = 2'000;
    route->block_when_full = block;
    SetRoute(route);
    transport.Run([](const auto&) { return Refused(); });
    for (int i = 0; i < 20; ++i) {
      if (Accept({StatusEvent("a" + std::to_string(i), "PLAYING")}).ok()) Run();
    }
    Idle(absl::Seconds(2));
    const auto alerts = router->desk().Alerts();
    const auto full = std::find_if(alerts.begin(), alerts.end(),
                                   [](const auto& a) { return a.name == "RouteShedding"; });
    ASSERT_NE(full, alerts.end()) << block;
    EXPECT_THAT(full->text, HasSubstr(block ? "the engines wait" : "are shed"));
    route = NewRoute();
    route->delivery = DeliveryMode::kGuaranteed;
    SetRoute(route);
    transport.Run([](const auto&) { return Answered(200); });
    RunFor(absl::Minutes(5));
  }
}

TEST_F(RouterAlertsTest, ARouteThatBlocksIsHeardAtOnceAndEndsAreTakenAllTheSame) {
  auto route = NewRoute();
  route->quota_bytes = 2'000;
  route->block_when_full = true;
  SetRoute(route);
  transport.Run([](const auto&) { return Refused(); });
  int taken = 0;
  while (taken < 100 && Accept({StatusEvent("a", "PLAYING")}).ok()) {
    ++taken;
    Run();
  }
  EXPECT_LT(taken, 20) << "no time has passed";
  EXPECT_FALSE(router->HasRoom());
  EXPECT_TRUE(Accept({StatusEvent("a", "FAILED")}).ok());
}

TEST_F(RouterAlertsTest, WhatStillHoldsAfterARestartIsNotFiredAgainAndIsResolvedWhenItIsOver) {
  Send(Of(PublisherChange::Action::kHello));
  SessionChange session = OpenSession("s", "{}");
  session.epoch = kEngine;
  Send(session);
  Send(Of(PublisherChange::Action::kLost));
  Restart();
  EXPECT_THAT(Active(), ElementsAre(absl::StrCat("EngineLost ", kNode)));
  Idle(absl::Minutes(3));
  EXPECT_THAT(Active(), ElementsAre(absl::StrCat("EngineLost ", kNode)));
  EXPECT_THAT(Paged(), ElementsAre("EngineLost FIRING"));
  Send(Of(PublisherChange::Action::kHello));
  Restart();
  Idle(absl::Minutes(3));
  EXPECT_THAT(Active(), IsEmpty());
  EXPECT_THAT(Paged(), ElementsAre("EngineLost FIRING", "EngineLost RESOLVED"));
}

TEST_F(RouterAlertsTest, WhatHoldsNoMoreAfterARestartIsResolvedWithinAMinute) {
  router->NoteReload(absl::InvalidArgumentError("bad"));
  Run();
  const absl::Time since = router->desk().Alerts().at(0).since;
  Restart();
  Idle(absl::Seconds(30));
  ASSERT_THAT(router->desk().Alerts(), SizeIs(1));
  EXPECT_EQ(router->desk().Alerts()[0].since, since);
  EXPECT_THAT(router->desk().Alerts()[0].text, HasSubstr("bad"));
  EXPECT_FALSE(router->desk().Alerts()[0].critical);
  Idle(absl::Seconds(32));
  EXPECT_THAT(Active(), IsEmpty());
  EXPECT_THAT(Paged(), ElementsAre("ReloadFailed FIRING", "ReloadFailed RESOLVED"));
}

TEST_F(RouterAlertsTest, ABreakerThatOpensAgainAfterARestartIsOneAlert) {
  bool up = false;
  transport.Run([&](const auto& attempt) {
    return up || attempt.url == "http://pager" ? Answered(200) : Refused();
  });
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Minutes(1));
  Restart();
  RunFor(absl::Minutes(3));
  EXPECT_THAT(Active(), ElementsAre("BreakerOpen defaultApp/backend"));
  up = true;
  RunFor(absl::Minutes(3));
  EXPECT_THAT(Active(), IsEmpty());
  EXPECT_THAT(Paged(), ElementsAre("BreakerOpen FIRING", "BreakerOpen RESOLVED"));
}

}  // namespace
}  // namespace tallybus::testing
