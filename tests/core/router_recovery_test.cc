// Engines that are lost and come back, and routers that are killed: the stop always arrives.
#include <algorithm>

#include "tests/core/router_recovery_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Action = PublisherChange::Action;

class RouterRecoveryTest : public RouterRecoveryBench {};

TEST_F(RouterRecoveryTest, AKilledEngineLeavesNoStreamLiveForEver) {
  OpenStreams();
  Send(Of(Action::kLost));
  ExpectEachEndedOnce();
  const auto& end = transport.attempts()[kStreams];
  EXPECT_EQ(end.event.method, kStreamStatusEvent);
  EXPECT_TRUE(end.event.from_router);
  EXPECT_TRUE(end.event.terminal);
  EXPECT_EQ(end.event.id.epoch, epoch) << "the router said it, not the engine";
  EXPECT_THAT(end.body,
              AllOf(HasSubstr(R"("status":"FAILED")"), HasSubstr(R"("info":"engine lost")"),
                    HasSubstr(R"("nodeId":"node-1")")));
  EXPECT_THAT(channel.Of("ConnectionStatusEvent"), SizeIs(kStreams));
  EXPECT_EQ(Count("tallybus_ends_made_total"), 2u * kStreams);
  Send(Of(Action::kLost));
  RunFor(absl::Hours(1));
  ExpectEachEndedOnce();
}

TEST_F(RouterRecoveryTest, ALostEnginesEndsStayBehindWhatWaits) {
  up = false;
  OpenStreams();
  Send(Of(Action::kLost));
  RunFor(absl::Minutes(40));
  up = true;
  RunFor(absl::Minutes(3));
  EXPECT_EQ(router->Totals().waiting, 0u);
  ExpectEachEndedOnce();
}

TEST_F(RouterRecoveryTest, AnEngineThatWasKilledWithItsRouterIsEndedByTheNextOne) {
  OpenStreams();
  Restart();
  const std::vector<PublisherRecord> known = router->TakePublishers();
  ASSERT_THAT(known, SizeIs(1));
  EXPECT_EQ(known[0].epoch, kEngine);
  EXPECT_EQ(known[0].through, sequence);
  EXPECT_EQ(known[0].node_id, kNode);
  EXPECT_EQ(known[0].state, PublisherRecord::State::kOpen);
  Send(Of(Action::kLost));
  ExpectEachEndedOnce();
}

TEST_F(RouterRecoveryTest, ARouterThatIsKilledAfterTheLossSendsEachEndOnce) {
  OpenStreams();
  up = false;
  Send(Of(Action::kLost));
  Restart();
  EXPECT_EQ(router->TakePublishers().at(0).state, PublisherRecord::State::kLost);
  up = true;
  RunFor(absl::Minutes(3));
  ExpectEachEndedOnce();
  Restart();
  RunFor(absl::Hours(1));
  ExpectEachEndedOnce();
}

TEST_F(RouterRecoveryTest, AStreamThatEndedBeforeIsNotEndedAgain) {
  OpenStreams(2);
  Send(OfStream(0, "UNPUBLISHED"));
  Send(SessionChange{SessionChange::Action::kClose, "s0", kApp, std::nullopt, kEngine});
  Send(Of(Action::kLost));
  EXPECT_THAT(Delivered().at("defaultApp/n0").statuses, ElementsAre("PUBLISHING", "UNPUBLISHED"));
  EXPECT_THAT(Delivered().at("defaultApp/n1").statuses, ElementsAre("PUBLISHING", "FAILED"));
  EXPECT_FALSE(Delivered().contains("s0"));
  EXPECT_TRUE(Delivered().contains("s1"));
}

TEST_F(RouterRecoveryTest, AGoodbyeEndsWhatWasLeftAndSaysSo) {
  OpenStreams(1);
  Send(Of(Action::kBye));
  ExpectEachEndedOnce(1);
  EXPECT_THAT(transport.attempts().back().body, HasSubstr("engine closed"));
  EXPECT_THAT(router->desk().Alerts(), IsEmpty()) << "it closed by its own will";
}

TEST_F(RouterRecoveryTest, AnEngineThatReturnsAfterAPartitionHasItsStreamsToldAgain) {
  OpenStreams(3);
  Send(Of(Action::kLost));
  ASSERT_THAT(router->desk().Alerts(), SizeIs(1));
  EXPECT_EQ(router->desk().Alerts()[0].name, "EngineLost");
  EXPECT_EQ(router->desk().Alerts()[0].subject, kNode);
  Send(Of(Action::kHello));
  for (const auto& [key, lane] : Delivered()) {
    if (lane.statuses.front() == "PUBLISHING") {
      EXPECT_THAT(lane.statuses, ElementsAre("PUBLISHING", "FAILED", "PUBLISHING")) << key;
    } else {
      EXPECT_THAT(lane.statuses, ElementsAre("DISCONNECTED", "ESTABLISHED")) << key;
    }
  }
  EXPECT_THAT(Delivered(), SizeIs(6));
  EXPECT_THAT(router->desk().Alerts(), IsEmpty());
  Send(Of(Action::kHello));
  EXPECT_THAT(transport.attempts(), SizeIs(15)) << "told once";
  Send(Of(Action::kLost));
  EXPECT_THAT(transport.attempts(), SizeIs(21)) << "and lost again";
}

TEST_F(RouterRecoveryTest, WhereTheOperatorSaysSoNothingIsEnded) {
  end_lost_streams = false;
  Restart();
  OpenStreams(3);
  Send(Of(Action::kLost));
  RunFor(absl::Hours(1));
  EXPECT_THAT(Delivered(), SizeIs(3));
  EXPECT_THAT(Delivered().at("defaultApp/n0").statuses, ElementsAre("PUBLISHING"));
}

TEST_F(RouterRecoveryTest, AfterARestartLanesGoOnInOrderUnderTheSameIds) {
  up = false;
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "PLAYBACK_PROBLEM"));
  const EventId id = transport.attempts()[0].event.id;
  const int attempts = transport.attempts().back().attempt;
  Restart();
  Send(StatusEvent("a", "UNPUBLISHED"));
  up = true;
  RunFor(absl::Minutes(1));
  EXPECT_THAT(Delivered().at("defaultApp/a").statuses,
              ElementsAre("PUBLISHING", "PLAYBACK_PROBLEM", "UNPUBLISHED"));
  EXPECT_THAT(Delivered().at("defaultApp/a").sequences, ElementsAre(1, 2, 3));
  const auto& again = transport.attempts().at(static_cast<size_t>(attempts));
  EXPECT_EQ(again.event.id, id);
  EXPECT_EQ(again.attempt, attempts + 1) << "its attempts are counted on";
}

TEST_F(RouterRecoveryTest, WhatLostItsLaneIsADeadLetterAndDoesNotWaitUnseen) {
  up = false;
  Send(StatusEvent("a", "PUBLISHING"));
  disk.LoseLanes();
  Restart();
  EXPECT_GT(spool.DeadLetterBytes(), 0u);
  EXPECT_EQ(metrics.GetCounter("tallybus_events_damaged_total", "").Value(), 1u);
}

TEST_F(RouterRecoveryTest, ARestartStartsNoBackOffAnew) {
  auto route = NewRoute();
  route->retry = {.kind = RetrySchedule::Kind::kSteps, .steps = {absl::Hours(2)}};
  SetRoute(route);
  transport.Run([](const auto&) {
    DeliveryResult result = TimedOut();
    result.retry_after = absl::Hours(1);
    return result;
  });
  Send(StatusEvent("a", "PUBLISHING"));
  Restart();
  RunFor(absl::Minutes(59));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  RunFor(absl::Minutes(62));
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  EXPECT_TRUE(transport.attempts()[1].redelivery);
}

TEST_F(RouterRecoveryTest, SessionsAndWhatTheyBroughtSurvive) {
  Send(
      OpenSession(kSession, R"({"StreamStatusEvent":{"restExclude":"sdp","restOnError":"FAIL"}})"));
  Restart();
  transport.Run([](const auto&) { return Answered(500, "Oops"); });
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(transport.attempts().at(0).body, ::testing::Not(HasSubstr("sdp")));
  EXPECT_THAT(channel.Of("ErrorEvent"), ElementsAre(HasSubstr("Oops")));
}

TEST_F(RouterRecoveryTest, WhatWasDecidedAboutAnEndpointSurvivesWithItsReasonAndAuthor) {
  ASSERT_TRUE(
      router->desk().Control("defaultApp/backend", Desk::Verb::kPause, "moving house", "ann").ok());
  Run();
  Restart();
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(transport.attempts(), IsEmpty());
  ASSERT_THAT(router->desk().Endpoints(), SizeIs(1));
  EXPECT_EQ(router->desk().Endpoints()[0].state, "paused");
  EXPECT_EQ(router->desk().Endpoints()[0].reason, "moving house");
  EXPECT_EQ(router->desk().Endpoints()[0].author, "ann");
  ASSERT_TRUE(router->desk().Control("defaultApp/backend", Desk::Verb::kResume, "", "ann").ok());
  Run();
  Restart();
  EXPECT_EQ(router->desk().Endpoints()[0].state, "ready");
}

TEST_F(RouterRecoveryTest, AnEndpointThatIsGoneIsStillAnAlertForTheNextProcess) {
  auto route = NewRoute();
  route->delivery = DeliveryMode::kGuaranteed;
  SetRoute(route);
  transport.Run([](const auto&) { return Answered(410); });
  Send(StatusEvent("a", "PUBLISHING"));
  Restart();
  const auto alerts = router->desk().Alerts();
  EXPECT_TRUE(std::any_of(alerts.begin(), alerts.end(),
                          [](const auto& alert) { return alert.name == "EndpointGone"; }));
}

TEST_F(RouterRecoveryTest, AnOpenBusStreamThatIsNotHeardOfIsEndedAfterItsTime) {
  auto route = NewRoute();
  route->stale_after = absl::Minutes(10);
  SetRoute(route);
  Event event = OfStream(0, "PUBLISHING");
  event.id = {};
  Send(event);
  RunFor(absl::Minutes(9));
  event.id = {};
  Send(event);
  Restart();
  RunFor(absl::Minutes(9));
  EXPECT_THAT(Delivered().at("defaultApp/n0").statuses, ElementsAre("PUBLISHING", "PUBLISHING"))
      << "a restart of ours ends nobody's stream";
  RunFor(absl::Minutes(2));
  EXPECT_THAT(Delivered().at("defaultApp/n0").statuses,
              ElementsAre("PUBLISHING", "PUBLISHING", "FAILED"));
  EXPECT_THAT(transport.attempts().back().body, HasSubstr(R"("info":"stale")"));
  RunFor(absl::Hours(1));
  EXPECT_THAT(transport.attempts(), SizeIs(3));
}

TEST_F(RouterRecoveryTest, AnEngineThatRestartsAtOnceEndsAStreamBeforeItBeginsItAgain) {
  OpenStreams(2);
  Restart();
  constexpr uint64_t kNext = 6;
  Send(PublisherChange{Action::kHello, SourceOfEpoch(kNext), kNext, kNode});
  Event again = OfStream(0, "PUBLISHING");
  again.id = {kNext, 1};
  Send(again);
  EXPECT_THAT(Delivered().at("defaultApp/n0").statuses,
              ElementsAre("PUBLISHING", "FAILED", "PUBLISHING"));
  Send(Of(Action::kLost));
  EXPECT_THAT(Delivered().at("defaultApp/n0").statuses, SizeIs(3)) << "each end once";
  EXPECT_THAT(Delivered().at("defaultApp/n1").statuses, ElementsAre("PUBLISHING", "FAILED"));
}

TEST_F(RouterRecoveryTest, ASessionThatTheNextEngineOpensAgainIsNotToldAsEndedAfterwards) {
  OpenStreams(1);
  constexpr uint64_t kNext = 6;
  Send(PublisherChange{Action::kHello, SourceOfEpoch(kNext), kNext, kNode});
  SessionChange again = OpenSession("s0", "{}");
  again.epoch = kNext;
  Send(again);
  EXPECT_THAT(Delivered().at("s0").statuses, ElementsAre("DISCONNECTED"));
  Send(Of(Action::kLost));
  EXPECT_THAT(Delivered().at("s0").statuses, SizeIs(1)) << "it lives";
  Restart();
  EXPECT_EQ(metrics.GetGauge("tallybus_sessions", "").Value(), 1);
}

TEST_F(RouterRecoveryTest, AnEngineThatRestartsAgainAndAgainLeavesNothingBehind) {
  uint64_t engine = kEngine;
  const auto restart = [&](bool in_time) {
    if (!in_time) Send(PublisherChange{Action::kLost, SourceOfEpoch(engine), engine, kNode});
    Send(PublisherChange{Action::kHello, SourceOfEpoch(engine + 1), engine + 1, kNode});
    if (in_time) Send(PublisherChange{Action::kLost, SourceOfEpoch(engine), engine, kNode});
    ++engine;
    SessionChange session = OpenSession("session of " + std::to_string(engine), "{}");
    session.epoch = engine;
    Send(session);
    Event event = OfStream(static_cast<int>(engine), "PUBLISHING");
    event.id = {engine, 1};
    Send(event);
  };
  OpenStreams(3);
  for (int i = 0; i < 10; ++i) restart(i % 2 == 0);
  RunFor(absl::Minutes(3));
  EXPECT_EQ(metrics.GetGauge("tallybus_live_streams", "").Value(), 1);
  EXPECT_EQ(metrics.GetGauge("tallybus_sessions", "").Value(), 1);
  Restart();
  RunFor(absl::Minutes(3));
  EXPECT_EQ(metrics.GetGauge("tallybus_live_streams", "").Value(), 1) << "on disk too";
  EXPECT_EQ(metrics.GetGauge("tallybus_sessions", "").Value(), 1);
}

TEST_F(RouterRecoveryTest, ANodeThatSendsHeartbeatsIsLeftToThem) {
  auto route = NewRoute();
  route->stale_after = absl::Minutes(10);
  SetRoute(route);
  const PublisherChange hello = {Action::kHello, SourceOfNode(kNode), 0, kNode};
  Send(hello);
  Event event = OfStream(0, "PUBLISHING");
  event.id = {};
  Send(event);
  RunFor(absl::Hours(2));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  Send(PublisherChange{Action::kLost, SourceOfNode(kNode), 0, kNode});
  EXPECT_THAT(Delivered().at("defaultApp/n0").statuses, ElementsAre("PUBLISHING", "FAILED"));
}

TEST_F(RouterRecoveryTest, ANodeThatSentHeartbeatsIsWatchedByTheNextRouterToo) {
  Send(PublisherChange{Action::kHello, SourceOfNode(kNode), 0, kNode});
  Event event = OfStream(0, "PUBLISHING");
  event.id = {};
  Send(event);
  Restart();
  EXPECT_THAT(router->TakeBeatingNodes(), ElementsAre(kNode));
  Send(PublisherChange{Action::kLost, SourceOfNode(kNode), 0, kNode});
  EXPECT_THAT(Delivered().at("defaultApp/n0").statuses, ElementsAre("PUBLISHING", "FAILED"));
  Restart();
  EXPECT_THAT(router->TakeBeatingNodes(), IsEmpty()) << "a lost one is waited for no longer";
}

TEST_F(RouterRecoveryTest, AnEngineThatReturnsToARestartedRouterHasItsSessionsToldAgain) {
  OpenStreams(3);
  Send(Of(Action::kLost));
  Restart();
  Send(Of(Action::kHello));
  for (const auto& [key, lane] : Delivered()) {
    if (lane.statuses.front() == "PUBLISHING") {
      EXPECT_THAT(lane.statuses, ElementsAre("PUBLISHING", "FAILED", "PUBLISHING")) << key;
    } else {
      EXPECT_THAT(lane.statuses, ElementsAre("DISCONNECTED", "ESTABLISHED")) << key;
    }
  }
  EXPECT_THAT(Delivered(), SizeIs(6));
  EXPECT_THAT(channel.Of("ConnectionStatusEvent").back(), HasSubstr("engine returned"));
  Restart();
  Send(Of(Action::kHello));
  EXPECT_THAT(transport.attempts(), SizeIs(15)) << "told once";
  Send(Of(Action::kLost));
  EXPECT_THAT(transport.attempts(), SizeIs(21)) << "and lost again";
}

TEST_F(RouterRecoveryTest, WhatWasToldForALostEngineIsNotToldAgainByTheNextRouter) {
  OpenStreams(1);
  Send(Of(Action::kLost));
  Restart();
  Send(Of(Action::kLost));
  Send(Of(Action::kBye));
  RunFor(absl::Hours(1));
  ExpectEachEndedOnce(1);
}

TEST_F(RouterRecoveryTest, WhereTheNodeIsBackUnderAnotherEpochNobodyIsCalled) {
  OpenStreams(1);
  Send(PublisherChange{Action::kHello, SourceOfEpoch(kEngine + 1), kEngine + 1, kNode});
  Send(Of(Action::kLost));
  ExpectEachEndedOnce(1);
  EXPECT_THAT(router->desk().Alerts(), IsEmpty());
  EXPECT_THAT(log.Text(), ::testing::Not(HasSubstr("EngineLost")));
}

TEST_F(RouterRecoveryTest, WhenAPublisherWasLastSeenIsKept) {
  OpenStreams(1);
  clock.Advance(absl::Hours(1));
  Send(Of(Action::kLost));
  const absl::Time lost = clock.WallNow();
  clock.Advance(absl::Hours(1));
  Restart();
  EXPECT_EQ(router->TakePublishers().at(0).last_seen, lost);
}

TEST_F(RouterRecoveryTest, ADecisionIsAsOldAsItIsAfterEachRestart) {
  ASSERT_TRUE(
      router->desk().Control("defaultApp/backend", Desk::Verb::kPause, "because", "ann").ok());
  const absl::Time decided = clock.WallNow();
  for (int restart = 0; restart < 2; ++restart) {
    RunFor(absl::Hours(1));
    Restart();
    const EndpointStatus endpoint = router->desk().Endpoints().at(0);
    EXPECT_EQ(endpoint.state, "paused");
    EXPECT_EQ(endpoint.since, decided);
  }
}

}  // namespace
}  // namespace tallybus::testing
