// The straight line: who gets an event, what is frozen with it, and what holds events back.
#include "tallybus/router.h"

#include <algorithm>

#include "tests/core/router_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class RouterTest : public RouterBench {};

TEST_F(RouterTest, AnEventGoesToItsClientsAndThenToItsBackend) {
  channel.on_notify = [this](const auto&) { EXPECT_THAT(transport.attempts(), IsEmpty()); };
  const Event event = StatusEvent("b4e7", "PUBLISHING");
  Send(event);
  ASSERT_THAT(channel.all(), SizeIs(1));
  EXPECT_EQ(channel.all()[0].session_id, kSession);
  EXPECT_EQ(channel.all()[0].message, "StreamStatusEvent");
  EXPECT_EQ(channel.all()[0].json, event.json);
  ASSERT_THAT(transport.attempts(), SizeIs(1));
  const auto& attempt = transport.attempts()[0];
  EXPECT_EQ(attempt.body, event.json);
  EXPECT_EQ(attempt.event.id, channel.all()[0].id);
  EXPECT_EQ(attempt.lane, "defaultApp/b4e7");
  EXPECT_EQ(attempt.lane_sequence, 1u);
  EXPECT_EQ(attempt.attempt, 1);
  EXPECT_FALSE(attempt.redelivery);
  EXPECT_FALSE(attempt.want_answer);
  EXPECT_EQ(attempt.deadline, clock.Now() + absl::Seconds(10));
}

TEST_F(RouterTest, AnEventWithoutAnIdGetsOneOfTheRoutersOwn) {
  Send(StatusEvent("a", "PUBLISHING"));
  Event named = StatusEvent("b", "PUBLISHING");
  named.id = {5, 6};
  Send(named);
  Send(StatusEvent("c", "PUBLISHING"));
  ASSERT_THAT(channel.all(), SizeIs(3));
  EXPECT_EQ(channel.all()[0].id, (EventId{0xabc, 1}));
  EXPECT_EQ(channel.all()[1].id, (EventId{5, 6}));
  EXPECT_EQ(channel.all()[2].id, (EventId{0xabc, 2}));
}

TEST_F(RouterTest, AnEventWithoutASessionReachesTheBackendAlone) {
  Event event = StatusEvent("a", "PUBLISHING");
  event.session_id = "";
  Send(event);
  EXPECT_THAT(channel.all(), IsEmpty());
  EXPECT_THAT(transport.attempts(), SizeIs(1));
}

TEST_F(RouterTest, AnAppWithoutABackendStillTellsItsClients) {
  RemoveRoute(kApp);
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(channel.all(), SizeIs(1));
  EXPECT_THAT(transport.attempts(), IsEmpty());
  EXPECT_EQ(Count("tallybus_events_not_sent_total", {{"reason", "no_backend"}}), 1u);
}

TEST_F(RouterTest, AMethodThatTheRouteDoesNotListStaysWithTheClients) {
  auto route = NewRoute();
  route->match.methods = {"ConnectionStatusEvent"};
  SetRoute(route);
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(channel.all(), SizeIs(1));
  EXPECT_THAT(transport.attempts(), IsEmpty());
  EXPECT_EQ(Count("tallybus_events_not_sent_total", {{"reason", "method_not_listed"}}), 1u);
}

TEST_F(RouterTest, DisableCallsNoBackend) {
  Send(OpenSession(kSession, R"({"StreamStatusEvent":{"restPolicy":"DISABLE"}})"));
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(channel.all(), SizeIs(1));
  EXPECT_THAT(transport.attempts(), IsEmpty());
  EXPECT_EQ(Count("tallybus_events_not_sent_total", {{"reason", "disabled"}}), 1u);
}

TEST_F(RouterTest, EachSideLosesItsOwnExcludedFields) {
  Send(OpenSession(kSession,
                   R"({"StreamStatusEvent":{"restExclude":"sdp","clientExclude":"nodeId,name"}})"));
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(transport.attempts()[0].body, Not(HasSubstr("sdp")));
  EXPECT_THAT(transport.attempts()[0].body, HasSubstr("\"name\":\"a\""));
  EXPECT_THAT(channel.all()[0].json, Not(HasSubstr("\"name\"")));
  EXPECT_THAT(channel.all()[0].json, HasSubstr("\"sdp\":\"v=0\""));
}

TEST_F(RouterTest, TheSessionsConfigIsFrozenAtAcceptance) {
  Send(
      OpenSession(kSession, R"({"StreamStatusEvent":{"restOnError":"FAIL","restExclude":"sdp"}})"));
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  Send(OpenSession(kSession, "{}"));
  Send(StatusEvent("a", "PUBLISHING"));
  for (size_t i : {0, 1}) {
    transport.Complete(i, Answered(200));
    Run();
  }
  ASSERT_THAT(transport.attempts(), SizeIs(3));
  EXPECT_THAT(transport.attempts()[1].body, Not(HasSubstr("sdp")));
  EXPECT_TRUE(transport.attempts()[1].want_answer);
  EXPECT_THAT(transport.attempts()[2].body, HasSubstr("sdp"));
  EXPECT_FALSE(transport.attempts()[2].want_answer);
}

TEST_F(RouterTest, AClosedSessionsConfigServesSixtySecondsMore) {
  transport.Run([](const auto&) { return Answered(200); });
  Send(OpenSession(kSession, R"({"StreamStatusEvent":{"restExclude":"sdp"}})"));
  Send(SessionChange{SessionChange::Action::kClose, kSession, kApp, std::nullopt});
  RunFor(absl::Seconds(59));
  Send(StatusEvent("a", "UNPUBLISHED"));
  EXPECT_THAT(transport.attempts()[0].body, Not(HasSubstr("sdp")));
  RunFor(absl::Seconds(1));
  Send(StatusEvent("a", "UNPUBLISHED"));
  EXPECT_THAT(transport.attempts()[1].body, HasSubstr("sdp"));
}

TEST_F(RouterTest, WhatWaitsGoesToTheNewAddressAfterAReload) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  auto route = NewRoute();
  route->endpoint.url = "http://mended";
  SetRoute(route);
  transport.Complete(0, Refused());
  RunFor(absl::Seconds(1));
  transport.Complete(1, Answered(200));
  Run();
  ASSERT_THAT(transport.attempts(), SizeIs(3));
  EXPECT_EQ(transport.attempts()[0].url, "http://defaultApp");
  EXPECT_EQ(transport.attempts()[1].url, "http://mended");
  EXPECT_EQ(transport.attempts()[2].url, "http://mended");
  EXPECT_EQ(transport.attempts()[2].lane_sequence, 2u);
}

TEST_F(RouterTest, WhatWaitsStaysWhenItsAppLeavesTheConfigAndGoesOnWhenItIsBack) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  RemoveRoute(kApp);
  transport.Complete(0, Answered(200));
  RunFor(absl::Hours(1));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_EQ(router->Totals().waiting, 1u);
  SetRoute(NewRoute());
  Run();
  EXPECT_THAT(transport.Story(), ElementsAre("a PUBLISHING", "a UNPUBLISHED"));
}

TEST_F(RouterTest, ARouteThatGoesWhileItsEventsAreLoadedStopsThemAndNothingElse) {
  auto route = NewRoute();
  route->endpoint.max_connections = 1;
  SetRoute(route);
  for (const char* name : {"a", "b", "c"}) Send(StatusEvent(name, "PUBLISHING"));
  RemoveRoute(kApp);
  transport.Complete(0, Refused());
  RunFor(absl::Minutes(1));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_EQ(router->Totals().waiting, 3u);
}

TEST_F(RouterTest, ClientsAreToldAtOnceButTheBackendAfterTheCommit) {
  spool.Hold();
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(channel.all(), SizeIs(1));
  EXPECT_THAT(transport.attempts(), IsEmpty());
  spool.Release();
  Run();
  EXPECT_THAT(transport.attempts(), SizeIs(1));
}

TEST_F(RouterTest, AWatermarkIsToldOnlyAfterItsCommit) {
  spool.Hold();
  ASSERT_TRUE(Accept({StatusEvent("a", "PUBLISHING")}, Watermark{9, 41}).ok());
  ASSERT_TRUE(Accept({}, Watermark{9, 42}).ok());
  Run();
  EXPECT_THAT(commits.through, IsEmpty());
  spool.Release();
  Run();
  EXPECT_THAT(commits.through, ElementsAre(41, 42));
}

TEST_F(RouterTest, AcceptWakesItsOwner) {
  EXPECT_EQ(router->Step(), std::nullopt);
  ASSERT_TRUE(Accept({StatusEvent("a", "PUBLISHING")}).ok());
  EXPECT_EQ(woken, 1);
  Run();
  EXPECT_EQ(woken, 1) << "what the router does itself needs no wake-up";
  transport.Complete(0, Answered(200));
  EXPECT_EQ(woken, 2);
}

TEST_F(RouterTest, ATransportMayCompleteInsideDeliver) {
  transport.Run([](const auto&) { return Answered(200); });
  std::vector<IngressRecord> records;
  for (int i = 0; i < 100; ++i) records.push_back(StatusEvent("a", "PUBLISHING"));
  ASSERT_TRUE(Accept(std::move(records)).ok());
  Run();
  EXPECT_THAT(transport.attempts(), SizeIs(100));
  EXPECT_EQ(router->Totals().delivered, 100u);
  EXPECT_EQ(router->Totals().waiting, 0u);
  EXPECT_EQ(spool.UsedBytes(), 0u);
}

TEST_F(RouterTest, OneTurnIsBounded) {
  transport.Run([](const auto&) { return Answered(200); });
  std::vector<IngressRecord> records;
  for (int i = 0; i < 100; ++i) records.push_back(StatusEvent("a", "PUBLISHING"));
  ASSERT_TRUE(Accept(std::move(records)).ok());
  EXPECT_EQ(router->Step(), clock.Now()) << "it asks for its next turn at once";
  EXPECT_LT(transport.attempts().size(), 100u);
}

TEST_F(RouterTest, TotalsTellWhatBecameOfEverything) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  Send(StatusEvent("b", "PUBLISHING"));
  Send(StatusEvent("c", "PUBLISHING"));
  transport.Complete(1, Answered(403));
  transport.Complete(2, Answered(200));
  Run();
  const RouterTotals totals = router->Totals();
  EXPECT_EQ(totals.accepted, 4u);
  EXPECT_EQ(totals.delivered, 1u);
  EXPECT_EQ(totals.failed, 1u);
  EXPECT_EQ(totals.given_up, 0u);
  EXPECT_EQ(totals.in_flight, 1u);
  EXPECT_EQ(totals.waiting, 1u);
}

TEST_F(RouterTest, AFaultOfTheSpoolIsTold) {
  router->OnFault(absl::ResourceExhaustedError("no space left"));
  Run();
  EXPECT_THAT(log.Text(), HasSubstr("no space left"));
}

TEST_F(RouterTest, AfterBeginShutdownNothingNewIsTaken) {
  router->BeginShutdown();
  IngressBatch batch;
  batch.records.push_back(StatusEvent("a", "PUBLISHING"));
  EXPECT_EQ(router->Accept(std::move(batch)).code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(batch.records, SizeIs(1)) << "a refused batch is untouched";
}

TEST_F(RouterTest, AfterBeginShutdownNothingIsTriedAgain) {
  Send(StatusEvent("a", "PUBLISHING"));
  router->BeginShutdown();
  transport.Complete(0, Refused());
  RunFor(absl::Minutes(1));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_EQ(router->Totals().waiting, 1u);
}

TEST_F(RouterTest, AfterBeginShutdownWhatWaitsStillGetsItsFirstAttempt) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  router->BeginShutdown();
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_THAT(transport.attempts(), SizeIs(2));
}

TEST_F(RouterTest, AfterBeginShutdownWhatWasAcceptedIsStillCommittedAndAcknowledged) {
  ASSERT_TRUE(Accept({StatusEvent("a", "PUBLISHING")}, Watermark{9, 1}).ok());
  router->BeginShutdown();
  Run();
  EXPECT_THAT(commits.through, ElementsAre(1));
}

class SmallSpoolTest : public RouterBench {
 protected:
  SmallSpoolTest() : RouterBench(10'000) {}
};

TEST_F(SmallSpoolTest, AFullSpoolPushesBackAndLosesNothing) {
  uint64_t taken = 0;
  IngressBatch batch;
  absl::Status status;
  for (int i = 0; i < 1000; ++i, ++taken) {
    batch = {};
    batch.records.push_back(StatusEvent("s" + std::to_string(i), "PUBLISHING"));
    status = router->Accept(std::move(batch));
    if (!status.ok()) break;
    if (i % 3 == 0) Run();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(batch.records, SizeIs(1)) << "a refused batch is untouched";
  EXPECT_FALSE(router->HasRoom());
  EXPECT_GT(taken, 5u);
  Run();
  for (size_t i = 0; i < taken; ++i) {
    ASSERT_GT(transport.attempts().size(), i);
    transport.Complete(i, Answered(200));
    Run();
  }
  EXPECT_EQ(router->Totals().delivered, taken);
  EXPECT_TRUE(router->HasRoom());
  EXPECT_TRUE(router->Accept(std::move(batch)).ok());
}

TEST_F(SmallSpoolTest, ThereIsRoomAgainWhereWhatWasRefusedFits) {
  Send(StatusEvent("a", "PUBLISHING"));
  ASSERT_TRUE(router->HasRoom());
  IngressBatch large;
  while (large.MemoryBytes() < 9'000) large.records.push_back(StatusEvent("b", "PUBLISHING"));
  EXPECT_EQ(router->Accept(std::move(large)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(router->HasRoom()) << "to ask for it again now would be in vain";
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_TRUE(router->HasRoom());
  EXPECT_TRUE(router->Accept(std::move(large)).ok());
}

TEST_F(SmallSpoolTest, AFloorIsKeptForTerminalEvents) {
  while (Accept({StatusEvent("a", "PUBLISHING")}).ok()) {
  }
  EXPECT_TRUE(Accept({StatusEvent("a", "UNPUBLISHED")}).ok());
  EXPECT_FALSE(Accept({StatusEvent("a", "PUBLISHING")}).ok());
}

TEST_F(SmallSpoolTest, ASpoolThatCannotWritePushesBackButKeepsSettling) {
  Send(StatusEvent("a", "PUBLISHING"));
  spool.healthy = false;
  EXPECT_EQ(Accept({StatusEvent("b", "PUBLISHING")}).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(router->HasRoom());
  EXPECT_TRUE(Accept({OpenSession("other", "{}")}).ok());
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_EQ(router->Totals().delivered, 1u);
  spool.healthy = true;
  EXPECT_TRUE(Accept({StatusEvent("b", "PUBLISHING")}).ok()) << "it recovers by itself";
}

TEST_F(SmallSpoolTest, SessionsAreTakenThoughTheSpoolIsFull) {
  while (Accept({StatusEvent("a", "PUBLISHING")}).ok()) {
  }
  EXPECT_TRUE(Accept({OpenSession("other", "{}")}).ok());
  EXPECT_TRUE(Accept({}, Watermark{1, 1}).ok());
  EXPECT_FALSE(Accept({OpenSession("other", "{}"), StatusEvent("a", "PUBLISHING")}).ok());
}

}  // namespace
}  // namespace tallybus::testing
