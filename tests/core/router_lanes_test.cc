// Order in a lane, independence between lanes, and transports that misbehave.
#include "tests/core/router_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RouterLanesTest : public RouterBench {
 protected:
  uint64_t Strays() { return Count("tallybus_stray_completions_total"); }
};

TEST_F(RouterLanesTest, OneEventOfALaneIsInFlightAtATime) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  EXPECT_THAT(transport.Story(), ElementsAre("a PUBLISHING"));
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_THAT(transport.Story(), ElementsAre("a PUBLISHING", "a UNPUBLISHED"));
  EXPECT_EQ(transport.attempts()[1].lane_sequence, 2u);
}

TEST_F(RouterLanesTest, KeepsOrderWhenTheHeadIsRetried) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  transport.Complete(0, TimedOut());
  RunFor(absl::Milliseconds(500));
  transport.Complete(1, Refused());
  RunFor(absl::Seconds(1));
  transport.Complete(2, Answered(200));
  Run();
  EXPECT_THAT(transport.Story(),
              ElementsAre("a PUBLISHING", "a PUBLISHING", "a PUBLISHING", "a UNPUBLISHED"));
  std::vector<int> attempts;
  for (const auto& attempt : transport.attempts()) attempts.push_back(attempt.attempt);
  EXPECT_THAT(attempts, ElementsAre(1, 2, 3, 1));
  EXPECT_EQ(transport.attempts()[2].lane_sequence, 1u);
  EXPECT_EQ(transport.attempts()[2].event.id, transport.attempts()[0].event.id);
}

TEST_F(RouterLanesTest, WhatComesWhileTheHeadBacksOffWaitsBehindIt) {
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Refused());
  Run();
  Send(StatusEvent("a", "UNPUBLISHED"));
  EXPECT_THAT(transport.Story(), ElementsAre("a PUBLISHING"));
  RunFor(absl::Milliseconds(500));
  EXPECT_THAT(transport.Story(), ElementsAre("a PUBLISHING", "a PUBLISHING"));
}

TEST_F(RouterLanesTest, OnlyWhatMayHaveArrivedIsMarkedAsRedelivery) {
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Refused());
  RunFor(absl::Milliseconds(500));
  EXPECT_FALSE(transport.attempts()[1].redelivery);
  transport.Complete(1, TimedOut());
  RunFor(absl::Seconds(1));
  EXPECT_TRUE(transport.attempts()[2].redelivery);
  transport.Complete(2, Refused());
  RunFor(absl::Seconds(2));
  EXPECT_TRUE(transport.attempts()[3].redelivery) << "the second one may still have arrived";
  transport.Complete(3, Answered(200));
  Send(StatusEvent("a", "UNPUBLISHED"));
  EXPECT_FALSE(transport.attempts()[4].redelivery) << "another event";
}

TEST_F(RouterLanesTest, OtherLanesFlowWhileOneBacksOff) {
  transport.Run([](const auto& a) { return a.event.name == "dead" ? Refused() : Answered(200); });
  Send(StatusEvent("dead", "PUBLISHING"));
  for (int i = 0; i < 10; ++i) Send(StatusEvent("good", "PUBLISHING"));
  EXPECT_EQ(router->Totals().delivered, 10u);
}

TEST_F(RouterLanesTest, ADeadEndpointCostsOnlyItsOwnLanes) {
  auto route = NewRoute("other");
  route->endpoint.max_connections = 1;
  SetRoute(route, "other");
  Event stuck = StatusEvent("x", "PUBLISHING");
  stuck.app_key = "other";
  Send(stuck);
  stuck.name = "y";
  Send(stuck);
  for (int i = 0; i < 5; ++i) Send(StatusEvent("n" + std::to_string(i), "PUBLISHING"));
  EXPECT_THAT(transport.attempts(), SizeIs(6)) << "one to the dead endpoint, five to the other";
}

TEST_F(RouterLanesTest, AnEndpointHasAtMostItsConnectionsInFlight) {
  auto route = NewRoute();
  route->endpoint.max_connections = 3;
  SetRoute(route);
  for (int i = 0; i < 10; ++i) Send(StatusEvent("n" + std::to_string(i), "PUBLISHING"));
  EXPECT_EQ(transport.open(), 3u);
  for (size_t i = 0; i < 10; ++i) {
    ASSERT_GT(transport.attempts().size(), i);
    transport.Complete(i, i % 2 == 0 ? Answered(200) : Answered(500));
    Run();
    EXPECT_LE(transport.open(), 3u);
  }
  EXPECT_EQ(transport.open(), 0u);
}

TEST_F(RouterLanesTest, ABackOffHoldsNoConnection) {
  auto route = NewRoute();
  route->endpoint.max_connections = 1;
  SetRoute(route);
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("b", "PUBLISHING"));
  transport.Complete(0, Refused());
  Run();
  EXPECT_THAT(transport.Story(), ElementsAre("a PUBLISHING", "b PUBLISHING"));
}

TEST_F(RouterLanesTest, ABusyLaneGoesToTheEndAfterEachEvent) {
  auto route = NewRoute();
  route->endpoint.max_connections = 1;
  SetRoute(route);
  for (int i = 0; i < 3; ++i) Send(StatusEvent("busy", "PUBLISHING"));
  Send(StatusEvent("x", "PUBLISHING"));
  Send(StatusEvent("y", "PUBLISHING"));
  for (size_t i = 0; i < 5; ++i) {
    transport.Complete(i, Answered(200));
    Run();
  }
  std::vector<std::string> names;
  for (const auto& attempt : transport.attempts()) names.push_back(attempt.event.name);
  EXPECT_THAT(names, ElementsAre("busy", "x", "y", "busy", "busy"));
}

TEST_F(RouterLanesTest, AStreamReopenedUnderItsNameStaysBehindItsEnd) {
  Send(StatusEvent("a", "UNPUBLISHED"));
  Event again = StatusEvent("a", "PUBLISHING");
  again.media_session_id = "another";
  Send(again);
  EXPECT_THAT(transport.Story(), ElementsAre("a UNPUBLISHED"));
}

TEST_F(RouterLanesTest, AKeepAliveDoesNotWaitBehindItsStream) {
  Send(StatusEvent("a", "PUBLISHING"));
  Event alive = StatusEvent("a", "PUBLISHING");
  alive.method = kStreamKeepAliveEvent;
  Send(alive);
  EXPECT_THAT(transport.attempts(), SizeIs(2));
}

TEST_F(RouterLanesTest, AnOrdinaryEventGivesUpAfterAQuarterOfAnHourAndTheNextGoesOn) {
  bool stopped = false;
  transport.Run([&](const auto& a) {
    const bool bad = a.event.name == "a" && !a.event.terminal;
    stopped |= a.event.terminal;
    return bad ? Refused() : Answered(200);
  });
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  RunForAmongOthers(absl::Minutes(14));
  EXPECT_EQ(router->Totals().given_up, 0u);
  EXPECT_FALSE(stopped);
  RunForAmongOthers(absl::Minutes(2));
  EXPECT_EQ(router->Totals().given_up, 1u);
  EXPECT_TRUE(stopped);
}

TEST_F(RouterLanesTest, TheStopArrivesThoughTheBackendWasAwayForHours) {
  bool back = false;
  transport.Run([&](const auto&) { return back ? Answered(200) : Refused(); });
  Send(StatusEvent("a", "UNPUBLISHED"));
  RunFor(absl::Hours(5));
  EXPECT_EQ(router->Totals().waiting, 1u);
  back = true;
  RunFor(absl::Seconds(60));
  EXPECT_EQ(router->Totals().delivered, 1u);
}

TEST_F(RouterLanesTest, ATicketIsAbandonedASecondAfterItsDeadline) {
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Milliseconds(10'900));
  EXPECT_EQ(router->Totals().in_flight, 1u);
  RunFor(absl::Seconds(3));
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  EXPECT_EQ(transport.attempts()[1].attempt, 2);
  EXPECT_TRUE(transport.attempts()[1].redelivery);
}

TEST_F(RouterLanesTest, ALateCompletionIsCountedAndHarmless) {
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Seconds(14));
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_EQ(Strays(), 1u);
  EXPECT_EQ(router->Totals().delivered, 0u) << "the second attempt is still under way";
  transport.Complete(1, Answered(200));
  Run();
  EXPECT_EQ(router->Totals().delivered, 1u);
  EXPECT_EQ(router->Totals().in_flight, 0u);
}

TEST_F(RouterLanesTest, ADoubleCompletionIsCountedAndHarmless) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  transport.Complete(0, Answered(200));
  transport.Complete(0, Answered(500));
  Run();
  transport.Complete(0, Answered(500));
  Run();
  EXPECT_EQ(Strays(), 2u);
  EXPECT_EQ(router->Totals().delivered, 1u);
  EXPECT_EQ(router->Totals().failed, 0u);
  EXPECT_EQ(router->Totals().in_flight, 1u);
}

TEST_F(RouterLanesTest, AWaitingHeadIsLoadedThoughTheSpoolAnswersLate) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  spool.Hold();
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_EQ(spool.held_loads(), 1u);
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  spool.Release();
  Run();
  EXPECT_THAT(transport.Story(), ElementsAre("a PUBLISHING", "a UNPUBLISHED"));
}

TEST_F(RouterLanesTest, AnEndedLaneIsForgottenAfterAnHourAndCountsFromOneAgain) {
  transport.Run([](const auto&) { return Answered(200); });
  Send(StatusEvent("a", "UNPUBLISHED"));
  Send(StatusEvent("b", "PUBLISHING"));
  RunFor(absl::Minutes(59));
  EXPECT_EQ(metrics.GetGauge("tallybus_lanes", "").Value(), 2);
  RunFor(absl::Minutes(2));
  EXPECT_EQ(metrics.GetGauge("tallybus_lanes", "").Value(), 1);
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("b", "PUBLISHING"));
  EXPECT_EQ(transport.attempts()[2].lane_sequence, 1u);
  EXPECT_EQ(transport.attempts()[3].lane_sequence, 2u);
}

TEST_F(RouterLanesTest, NoTimePassesWithoutWork) {
  transport.Run([](const auto&) { return Answered(200); });
  Send(StatusEvent("a", "UNPUBLISHED"));
  RunFor(absl::Hours(2));
  EXPECT_EQ(due, std::nullopt) << "all lanes are forgotten: it sleeps until it is woken";
}

}  // namespace
}  // namespace tallybus::testing
