// What an operator asks of a running router, and has it do.
#include "router_desk.h"

#include "tests/core/router_desk_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RouterDeskTest : public RouterDeskBench {
 protected:
  ReplayResult Replay(StoredFilter filter, bool dry_run = false) {
    absl::StatusOr<ReplayResult> replayed = absl::UnknownError("never called");
    router->desk().Replay(filter, dry_run, [&](auto result) { replayed = std::move(result); });
    Run();
    EXPECT_TRUE(replayed.ok()) << replayed.status();
    return replayed.value_or(ReplayResult());
  }
  uint64_t Drop(StoredFilter filter, bool dry_run = false) {
    uint64_t dropped = 0;
    router->desk().Drop(filter, dry_run, [&](absl::StatusOr<uint64_t> count) { dropped = *count; });
    Run();
    return dropped;
  }
  size_t CountDead() {
    size_t count = 0;
    router->desk().Find(Dead(),
                        [&](absl::StatusOr<StoredPage> page) { count = page->rows.size(); });
    Run();
    return count;
  }
  void KillThree() {
    code = 400;
    for (const char* status : {"PUBLISHING", "PLAYING", "UNPUBLISHED"})
      Send(StatusEvent("a", status));
    code = 200;
  }
};

TEST_F(RouterDeskTest, ADecisionIsShownUntilItIsTakenBackThoughNothingIsLeftOfItsRoute) {
  ASSERT_TRUE(Control(Verb::kDisable).ok());
  RemoveRoute(kApp);
  EXPECT_EQ(Endpoint().state, "disabled, not configured");
  ASSERT_TRUE(Control(Verb::kEnable).ok());
  EXPECT_THAT(router->desk().Endpoints(), IsEmpty());
}

TEST_F(RouterDeskTest, DisablingMakesDeadLettersOfWhatARouteThatIsGoneLeftBehind) {
  ASSERT_TRUE(Control(Verb::kPause).ok());
  for (const char* name : {"a", "b"}) Send(StatusEvent(name, "PUBLISHING"));
  RemoveRoute(kApp);
  Run();
  EXPECT_EQ(CountDead(), 0u);
  ASSERT_TRUE(Control(Verb::kDisable).ok());
  Run();
  EXPECT_EQ(Endpoint().waiting, 0u);
  EXPECT_EQ(CountDead(), 2u);
  EXPECT_THAT(transport.attempts(), IsEmpty());
}

TEST_F(RouterDeskTest, ResumeDoesNotWaitForAsLongAsThePeerAsked) {
  auto route = NewRoute();
  route->delivery = DeliveryMode::kGuaranteed;
  route->retry = {.kind = RetrySchedule::Kind::kSteps, .steps = {absl::Hours(1)}};
  SetRoute(route);
  transport.Run([this](const auto&) {
    DeliveryResult result = Answered(code);
    if (code == 503) result.retry_after = absl::Hours(1);
    return result;
  });
  code = 503;
  Send(StatusEvent("a", "PUBLISHING"));
  ASSERT_EQ(Endpoint().state, "asked to wait");
  code = 200;
  Run();
  ASSERT_THAT(transport.attempts(), SizeIs(1));
  ASSERT_TRUE(Control(Verb::kResume).ok());
  EXPECT_EQ(Endpoint().state, "ready");
  Run();
  EXPECT_EQ(router->Totals().delivered, 1u);
}

TEST_F(RouterDeskTest, APausedEndpointGoesOnAcceptingUntilItIsResumed) {
  ASSERT_TRUE(Control(Verb::kPause).ok());
  for (int i = 0; i < 50; ++i) Send(StatusEvent("n" + std::to_string(i), "PUBLISHING"));
  RunFor(absl::Hours(1));
  EXPECT_THAT(transport.attempts(), IsEmpty());
  EXPECT_EQ(Endpoint().state, "paused");
  EXPECT_EQ(Endpoint().reason, "because");
  EXPECT_EQ(Endpoint().author, "ann");
  EXPECT_EQ(Endpoint().waiting, 50u);
  transport.Run(nullptr);
  ASSERT_TRUE(Control(Verb::kResume).ok());
  Run();
  EXPECT_EQ(transport.open(), 1u) << "gently";
}

TEST_F(RouterDeskTest, OnlyEnableLeadsBackFromDisabled) {
  EXPECT_EQ(Control(Verb::kEnable).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Control(Verb::kDisable).ok());
  EXPECT_EQ(Control(Verb::kResume).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Control(Verb::kPause).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Endpoint().state, "disabled");
  ASSERT_TRUE(Control(Verb::kEnable).ok());
  EXPECT_EQ(Endpoint().state, "ready");
}

TEST_F(RouterDeskTest, AnUnknownRouteIsNotFound) {
  EXPECT_EQ(Control(Verb::kPause, "nobody").code(), absl::StatusCode::kNotFound);
  absl::Status status;
  router->desk().Test("nobody", [&](auto result) { status = result.status(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
}

TEST_F(RouterDeskTest, ATestGoesOutWhateverTheEndpointsStateAndIsMarked) {
  ASSERT_TRUE(Control(Verb::kDisable).ok());
  std::optional<EndpointTestResult> tested;
  code = 503;
  router->desk().Test(kBackend, [&](auto result) { tested = *std::move(result); });
  Run();
  ASSERT_TRUE(tested.has_value());
  EXPECT_EQ(tested->result.remote_code, 503);
  EXPECT_EQ(tested->took, absl::ZeroDuration());
  ASSERT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_EQ(transport.attempts()[0].event.method, "TallybusTestEvent");
  EXPECT_THAT(transport.attempts()[0].body, HasSubstr("\"test\":true"));
  EXPECT_EQ(Endpoint().state, "disabled");
  EXPECT_EQ(router->Totals().waiting, 0u);
  EXPECT_THAT(channel.all(), IsEmpty());
}

TEST_F(RouterDeskTest, AReplayKeepsIdsAndOrderAndMarksTheRedelivery) {
  KillThree();
  ASSERT_EQ(CountDead(), 3u);
  EXPECT_EQ(Replay(Dead()).replayed, 3u);
  ASSERT_THAT(transport.attempts(), SizeIs(6));
  for (size_t i = 0; i < 3; ++i) {
    const auto& before = transport.attempts()[i];
    const auto& again = transport.attempts()[i + 3];
    EXPECT_EQ(again.event.id, before.event.id);
    EXPECT_EQ(again.body, before.body);
    EXPECT_EQ(again.lane, before.lane);
    EXPECT_EQ(again.lane_sequence, i + 4) << "at the end of its lane";
    EXPECT_EQ(again.attempt, 1);
    EXPECT_TRUE(again.redelivery);
    EXPECT_FALSE(before.redelivery);
  }
  EXPECT_EQ(router->Totals().delivered, 3u);
  EXPECT_EQ(CountDead(), 0u);
  EXPECT_EQ(spool.UsedBytes(), 0u);
  EXPECT_THAT(channel.all(), SizeIs(3)) << "clients had theirs";
}

TEST_F(RouterDeskTest, NothingIsReplayedToADisabledEndpoint) {
  KillThree();
  ASSERT_TRUE(Control(Verb::kDisable).ok());
  const ReplayResult refused = Replay(Dead());
  EXPECT_EQ(refused.replayed, 0u);
  EXPECT_EQ(refused.disabled, 3u);
  EXPECT_EQ(CountDead(), 3u);
  ASSERT_TRUE(Control(Verb::kEnable).ok());
  EXPECT_EQ(Replay(Dead()).replayed, 3u);
}

TEST_F(RouterDeskTest, AReplayStopsWhereTheRoutesQuotaWouldBePassed) {
  code = 400;
  for (int i = 0; i < 6; ++i) Send(StatusEvent("a", "PLAYING"));
  code = 200;
  ASSERT_TRUE(Control(Verb::kPause).ok());
  for (int i = 0; i < 3; ++i) Send(StatusEvent("b", "PLAYING"));
  auto route = NewRoute();
  route->delivery = DeliveryMode::kGuaranteed;
  route->quota_bytes = Endpoint().bytes / 3 * 5 + 9;
  SetRoute(route);
  StoredFilter filter = Dead();
  filter.limit = 1;  // what earlier pages placed counts
  for (const bool dry_run : {true, false}) {
    const ReplayResult result = Replay(filter, dry_run);
    EXPECT_EQ(result.replayed, 2u) << dry_run;
    EXPECT_EQ(result.no_room, 4u) << dry_run;
    EXPECT_EQ(result.first_left, 3u);
    EXPECT_EQ(result.last_row, 9u);
  }
  EXPECT_EQ(CountDead(), 4u);
  for (int i = 0; i < 3; ++i) Send(StatusEvent("a", "PLAYING"));
  EXPECT_EQ(router->Totals().shed, 1u) << "of what came by itself, six into five";
  ASSERT_TRUE(Control(Verb::kResume).ok());
  Run();
  EXPECT_EQ(Replay(Dead()).replayed, 4u) << "once there is room";
}

TEST_F(RouterDeskTest, ASecondReplayIsRefusedWhileTheFirstIsUnderWay) {
  KillThree();
  std::vector<absl::Status> replayed;
  const auto note = [&](auto result) { replayed.push_back(result.status()); };
  const size_t before = transport.attempts().size();
  router->desk().Replay(Dead(), false, note);
  router->desk().Replay(Dead(), false, note);
  ASSERT_THAT(replayed, SizeIs(1));
  EXPECT_EQ(replayed[0].code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Replay(Dead(), true).replayed, 0u) << "counted is what nobody sends already";
  EXPECT_TRUE(replayed.at(1).ok());
  EXPECT_EQ(transport.attempts().size(), before + 3);
  EXPECT_EQ(Replay(Dead()).replayed, 0u) << "it has ended";
}

TEST_F(RouterDeskTest, WhatIsBeingDroppedIsNotSentAgain) {
  KillThree();
  uint64_t dropped = 0, replayed = 9;
  const size_t before = transport.attempts().size();
  router->desk().Drop(Dead(), false, [&](absl::StatusOr<uint64_t> count) { dropped = *count; });
  router->desk().Replay(Dead(), false, [&](auto result) { replayed = result->replayed; });
  Run();
  EXPECT_EQ(dropped, 3u);
  EXPECT_EQ(replayed, 0u);
  EXPECT_EQ(transport.attempts().size(), before);
}

TEST_F(RouterDeskTest, NothingIsSentAgainOrDroppedWhileTheSpoolCannotBeWritten) {
  KillThree();
  spool.healthy = false;
  absl::Status replayed, dropped;
  router->desk().Replay(Dead(), false, [&](auto result) { replayed = result.status(); });
  router->desk().Drop(Dead(), false, [&](auto result) { dropped = result.status(); });
  Run();
  EXPECT_EQ(replayed.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(dropped.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(dropped.message()), HasSubstr("the spool cannot be written"));
  spool.healthy = true;
  EXPECT_EQ(Replay(Dead()).replayed, 3u);
}

TEST_F(RouterDeskTest, ADryRunOnlyCounts) {
  KillThree();
  EXPECT_EQ(Replay(Dead(), true).replayed, 3u);
  EXPECT_THAT(transport.attempts(), SizeIs(3));
  EXPECT_EQ(CountDead(), 3u);
}

TEST_F(RouterDeskTest, AReplayThatIsRejectedAgainEnds) {
  KillThree();
  code = 400;
  EXPECT_EQ(Replay(Dead()).replayed, 3u);
  EXPECT_THAT(transport.attempts(), SizeIs(6)) << "each once";
  EXPECT_EQ(CountDead(), 3u);
}

TEST_F(RouterDeskTest, AReplayGoesThroughManyPages) {
  code = 400;
  for (int i = 0; i < 120; ++i) Send(StatusEvent("n" + std::to_string(i % 7), "PUBLISHING"));
  code = 200;
  StoredFilter filter = Dead();
  filter.limit = 50;
  EXPECT_EQ(Replay(filter).replayed, 120u);
  EXPECT_EQ(router->Totals().delivered, 120u);
}

TEST_F(RouterDeskTest, WhatHasNoRouteAnyMoreStaysDead) {
  KillThree();
  RemoveRoute(kApp);
  const ReplayResult result = Replay(Dead());
  EXPECT_EQ(result.replayed, 0u);
  EXPECT_EQ(result.no_route, 3u);
  EXPECT_EQ(CountDead(), 3u);
}

TEST_F(RouterDeskTest, AReplayTakesWhatItsFilterFindsAndNothingThatWaits) {
  KillThree();
  ASSERT_TRUE(Control(Verb::kPause).ok());
  Send(StatusEvent("b", "PUBLISHING"));
  StoredFilter filter = Dead();
  filter.waiting = true;
  filter.stream = "b";
  EXPECT_EQ(Replay(filter).replayed, 0u);
  filter.stream = "a";
  filter.id = transport.attempts()[1].event.id.ToString();
  EXPECT_EQ(Replay(filter).replayed, 1u);
  EXPECT_EQ(CountDead(), 2u);
}

TEST_F(RouterDeskTest, AReplayPagesNobodyAgainUnlessTheAlertsRouteIsNamed) {
  auto pager = NewOtherRoute("pager");
  pager->match.methods = {std::string(kAlertEvent)};
  AddRoute(pager);
  ASSERT_TRUE(Control(Verb::kDisable, "pager").ok());
  KillThree();
  RunFor(absl::Seconds(2));  // dead letters are an alert, and the pager takes none
  ASSERT_TRUE(Control(Verb::kEnable, "pager").ok());
  const size_t dead = CountDead();
  ASSERT_GT(dead, 3u);
  const ReplayResult all = Replay(Dead());
  EXPECT_EQ(all.replayed, 3u);
  EXPECT_EQ(all.alerts, dead - 3);
  StoredFilter filter = Dead();
  filter.route = "pager";
  const ReplayResult named = Replay(filter);
  EXPECT_EQ(named.replayed, dead - 3);
  EXPECT_EQ(named.alerts, 0u);
}

TEST_F(RouterDeskTest, DroppingForgetsDeadLettersAlone) {
  KillThree();
  ASSERT_TRUE(Control(Verb::kPause).ok());
  Send(StatusEvent("b", "PUBLISHING"));
  StoredFilter all;
  all.limit = 2;
  EXPECT_EQ(Drop(all, true), 3u);
  EXPECT_EQ(CountDead(), 3u) << "a dry run";
  EXPECT_EQ(Drop(all), 3u);
  EXPECT_EQ(CountDead(), 0u);
  EXPECT_EQ(router->Totals().waiting, 1u);
}

TEST_F(RouterDeskTest, WhatTheBusRejectedIsADeadLetterThatIsNeverSent) {
  Send(RejectedRecord{{5, 2}, kNode, "protobuf", std::string("\xff\0\xfe", 3)});
  StoredFilter filter = Dead();
  filter.id = EventId{5, 2}.ToString();
  std::vector<StoredRow> rows;
  router->desk().Find(filter, [&](absl::StatusOr<StoredPage> page) { rows = page->rows; });
  Run();
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].reason, "the bus rejected it: protobuf");
  EXPECT_EQ(rows[0].row->event->json,
            R"({"nodeId":"node-1","reason":"protobuf","recordBase64":"/wD+"})");
  const ReplayResult result = Replay(filter);
  EXPECT_EQ(result.replayed, 0u);
  EXPECT_EQ(result.rejected, 1u);
  EXPECT_THAT(transport.attempts(), IsEmpty());
  EXPECT_EQ(CountDead(), 1u);
}

TEST_F(RouterDeskTest, DeadLettersAreAnAlertUntilTheyAreGone) {
  KillThree();
  RunFor(absl::Seconds(2));
  ASSERT_THAT(router->desk().Alerts(), SizeIs(1));
  EXPECT_EQ(router->desk().Alerts()[0].name, "DeadLetters");
  EXPECT_TRUE(router->desk().Alerts()[0].critical);
  Drop(Dead());
  RunFor(absl::Seconds(2));
  EXPECT_THAT(router->desk().Alerts(), IsEmpty());
}

}  // namespace
}  // namespace tallybus::testing
