// Dispatch by itself: rows to lanes, lanes to endpoints, bodies from the spool.
#include "delivery/dispatcher.h"

#include "tests/core/delivery/dispatcher_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Outcome = Settlement::Outcome;

class DispatcherTest : public DispatcherBench {};

TEST_F(DispatcherTest, CountsEachLanesRowsAndNotesTheCountersOnceABatch) {
  EXPECT_EQ(Row("a")->lane_sequence, 1u);
  EXPECT_EQ(Row("b")->lane_sequence, 1u);
  EXPECT_EQ(Row("a", "UNPUBLISHED")->lane_sequence, 2u);
  ASSERT_THAT(batch.lanes, SizeIs(2));
  EXPECT_EQ(batch.lanes[0].route, "defaultApp/backend");
  EXPECT_EQ(batch.lanes[0].key, "defaultApp/a");
  EXPECT_EQ(batch.lanes[0].last_sequence, 2u);
  EXPECT_TRUE(batch.lanes[0].ended);
  EXPECT_EQ(batch.lanes[1].last_sequence, 1u);
  EXPECT_FALSE(batch.lanes[1].ended);
  batch = {};
  Row("b");
  ASSERT_THAT(batch.lanes, SizeIs(1));
  EXPECT_EQ(batch.lanes[0].last_sequence, 2u);
}

TEST_F(DispatcherTest, AsksTheSpoolForTheNextRowWhenTheHeadIsSettled) {
  Take("a");
  const SpoolSeq second = Take("a");
  Turn();
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(spool.wanted, IsEmpty());
  transport.Complete(0, Answered(200));
  Turn();
  EXPECT_THAT(spool.wanted, ElementsAre(second));
  ASSERT_THAT(spool.settled, SizeIs(1));
  EXPECT_EQ(spool.settled[0].seq, 1u);
  EXPECT_EQ(spool.settled[0].outcome, Outcome::kDelivered);
  EXPECT_THAT(transport.attempts(), SizeIs(1)) << "not before the row is here";
  dispatcher.Loaded(rows[second]);
  dispatcher.Loaded(rows[second]);
  Turn();
  EXPECT_THAT(transport.attempts(), SizeIs(2)) << "a row that comes twice is sent once";
}

TEST_F(DispatcherTest, AsksForNoMoreBodiesThanCanStartSoon) {
  for (int i = 0; i < 500; ++i) Take("s" + std::to_string(i));
  Turn();
  EXPECT_EQ(transport.open(), 8u) << "where a limit begins";
  for (size_t i = 0; i < 8; ++i) transport.Complete(i, Answered(200));
  Turn();
  EXPECT_FALSE(spool.wanted.empty());
  EXPECT_LT(spool.wanted.size(), 60u);
}

TEST_F(DispatcherTest, ADueRetryIsLoadedAtOnceWhereTheSpoolHasIt) {
  Take("a");
  Turn();
  transport.Complete(0, Refused());
  Turn();
  const auto due = dispatcher.NextDue();
  ASSERT_TRUE(due.has_value());
  EXPECT_LE(*due, clock.Now() + absl::Milliseconds(500));
  clock.AdvanceTo(*due);
  dispatcher.Settle();
  EXPECT_TRUE(dispatcher.Dispatch()) << "the answer may be here: another pass is wanted";
  EXPECT_THAT(spool.wanted, ElementsAre(1));
}

TEST_F(DispatcherTest, TellsTheAttemptsOfAHeadAlone) {
  const SpoolSeq head = Take("a"), next = Take("a");
  EXPECT_EQ(dispatcher.AttemptsOf(*rows[head]), 0);
  Turn();
  EXPECT_EQ(dispatcher.AttemptsOf(*rows[head]), 1);
  EXPECT_EQ(dispatcher.AttemptsOf(*rows[next]), 0);
  EXPECT_THAT(outcomes.attempts, ElementsAre("1 1"));
}

TEST_F(DispatcherTest, AskingForAttemptsKeepsNoLaneAlive) {
  const SpoolRowPtr row = rows[Take("a")];
  Turn();
  transport.Complete(0, Answered(200));
  Turn();
  EXPECT_EQ(dispatcher.AttemptsOf(*row), 0) << "settled since";
  dispatcher.Loaded(row);
  clock.Advance(absl::Hours(25));
  Turn();
  EXPECT_EQ(metrics.GetGauge("tallybus_lanes", "").Value(), 0);
  EXPECT_THAT(dispatcher.TakeForgotten(), ElementsAre(row->lane));
}

TEST_F(DispatcherTest, ALaneWhoseNextRowIsBeingCommittedIsNotForgotten) {
  Take("a", "UNPUBLISHED");
  Turn();
  const SpoolRowPtr next = Row("a");
  transport.Complete(0, Answered(200));
  Turn();
  clock.Advance(absl::Hours(25));
  Turn();
  EXPECT_THAT(dispatcher.TakeForgotten(), IsEmpty());
  dispatcher.Enqueue(next);
  Turn();
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  clock.Advance(absl::Hours(25));
  Turn();
  transport.Complete(1, Answered(200));
  Turn();
  EXPECT_EQ(dispatcher.OldestWaiting().at(route->name), clock.WallNow());
  clock.Advance(absl::Hours(25));
  Turn();
  EXPECT_THAT(dispatcher.TakeForgotten(), ElementsAre(next->lane));
}

TEST_F(DispatcherTest, AfterStopRetriesABackOffStaysWhereItIs) {
  Take("a");
  Turn();
  dispatcher.StopRetries();
  transport.Complete(0, Refused());
  Turn();
  clock.Advance(absl::Hours(1));
  Turn();
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(spool.settled, IsEmpty());
}

TEST_F(DispatcherTest, AfterStopDispatchNothingStarts) {
  dispatcher.StopDispatch();
  Take("a");
  const SpoolRowPtr alive = Row(
      [] {
        Event event = StatusEvent("a", "PUBLISHING");
        event.method = kStreamKeepAliveEvent;
        return event;
      }(),
      *route);
  dispatcher.TryNow(alive);
  Turn();
  EXPECT_THAT(transport.attempts(), IsEmpty());
  EXPECT_EQ(Count("tallybus_events_shed_total"), 1u) << "a keep-alive waits for nothing";
}

TEST_F(DispatcherTest, WhatOurOwnStopEndsIsNoVerdictAndStays) {
  route->retry.kind = RetrySchedule::Kind::kNone;
  Take("a");
  Take("b");
  Turn();
  dispatcher.StopRetries();
  dispatcher.StopDispatch();
  DeliveryResult aborted = TimedOut();
  aborted.status = absl::CancelledError("the transport stops");
  transport.Complete(0, aborted);
  aborted.never_sent = true;
  transport.Complete(1, aborted);
  Turn();
  EXPECT_THAT(spool.settled, IsEmpty());
  EXPECT_THAT(outcomes.failures, IsEmpty()) << "nobody failed";
  ASSERT_THAT(spool.progress, SizeIs(2));
  EXPECT_TRUE(spool.progress[0].may_have_arrived);
  EXPECT_EQ(spool.progress[0].tries, 0);
  EXPECT_FALSE(spool.progress[1].may_have_arrived);
  EXPECT_EQ(spool.progress[1].attempts, 0) << "it was none";
}

TEST_F(DispatcherTest, HandsOneBatchToEachTransport) {
  ScriptedTransport another;
  another.SetSink(sink);
  auto other = NewRoute("other/backend", &another);
  SetRoute(other);
  dispatcher.Enqueue(Row(StatusEvent("a", "PUBLISHING"), *other));
  Take("b");
  Turn();
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(another.attempts(), SizeIs(1));
}

TEST_F(DispatcherTest, RowsOfARouteThatIsGoneStayUntilItComesBack) {
  route->endpoint.max_connections = 1;
  SetRoute(route);
  for (const char* name : {"a", "b", "c"}) Take(name);
  Run();
  RemoveRoute(route->name);
  transport.Complete(0, Answered(200));
  RunFor(absl::Hours(100));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_EQ(queue().rows, 2u);
  transport.Run([](const auto&) { return Answered(200); });
  SetRoute(route);
  Run();
  EXPECT_EQ(Became().size(), 3u);
  EXPECT_EQ(queue().rows, 0u);
}

TEST_F(DispatcherTest, ARowThatIsDamagedInTheSpoolDoesNotStopItsLane) {
  transport.Run([](const auto&) { return Answered(200); });
  const SpoolSeq first = Take("a");
  const SpoolSeq bad = Take("a");
  const SpoolSeq last = Take("a");
  auto damaged = std::make_shared<SpoolRow>();
  damaged->seq = bad;
  rows[bad] = damaged;
  Run();
  EXPECT_THAT(Became(),
              ElementsAre(std::pair(first, Outcome::kDelivered), std::pair(bad, Outcome::kGivenUp),
                          std::pair(last, Outcome::kDelivered)));
  EXPECT_EQ(metrics.GetCounter("tallybus_events_damaged_total", "").Value(), 1u);
  EXPECT_THAT(log.Text(), HasSubstr("damaged"));
}

TEST_F(DispatcherTest, ATestByHandGoesPastEveryLaneAndCountsNowhere) {
  queue().gate[0].Pause("maintenance", "ann", clock.Now());
  Take("a");
  Run();
  std::optional<int> code;
  absl::Duration took;
  Event event = StatusEvent("t", "PUBLISHING");
  ASSERT_TRUE(dispatcher
                  .Test(queue(), 0, event,
                        [&](DeliveryResult result, absl::Duration time) {
                          code = result.remote_code;
                          took = time;
                        })
                  .ok());
  RouterTotals totals;
  dispatcher.AddTotals(&totals);
  EXPECT_EQ(totals.waiting, 1u);
  EXPECT_EQ(totals.in_flight, 1u);
  clock.Advance(absl::Milliseconds(30));
  ASSERT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_EQ(transport.attempts()[0].lane, "test");
  transport.Complete(0, Answered(503));
  Turn();
  EXPECT_EQ(code, 503);
  EXPECT_EQ(took, absl::Milliseconds(30));
  EXPECT_THAT(spool.settled, IsEmpty());
  EXPECT_EQ(Count("tallybus_attempts_failed_total"), 0u);
}

// The quota is kept by what is committed; what is on its way there is over it for as long.
TEST_F(DispatcherTest, WhatIsNotCommittedCountsForTheQuotaAndIsShedOnceItIs) {
  Take("a");
  Turn();
  const size_t one = queue().bytes;
  route->quota_bytes = 3 * one;
  std::vector<SpoolRowPtr> on_their_way;
  for (int i = 0; i < 5; ++i) on_their_way.push_back(Row("a"));
  EXPECT_EQ(queue().bytes, 6 * one);
  EXPECT_TRUE(queue().over_quota);
  EXPECT_EQ(Count("tallybus_events_shed_total"), 0u);
  for (const SpoolRowPtr& row : on_their_way) dispatcher.Enqueue(row);
  clock.Advance(absl::Seconds(1));
  Turn();
  EXPECT_EQ(queue().bytes, 3 * one);
  EXPECT_EQ(Count("tallybus_events_shed_total"), 3u);
}

TEST_F(DispatcherTest, ATestNeedsATransport) {
  EndpointQueue& known = queue();
  RemoveRoute(route->name);
  EXPECT_EQ(dispatcher.Test(known, 0, StatusEvent("t", ""), {}).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(DispatcherTest, RestoredRowsGoOnWhereTheyWere) {
  dispatcher.Restore(LaneRecord{
      .id = 3, .route = route->name, .key = "defaultApp/a", .last_sequence = 12, .ended = false});
  for (SpoolSeq seq : {5, 6}) {
    auto row = std::make_shared<SpoolRow>();
    row->seq = seq;
    row->lane = 3;
    row->lane_sequence = seq + 6;
    row->event = SharedStatusEvent("a", "PUBLISHING");
    rows[seq] = row;
    WaitingRow waiting;
    waiting.seq = seq;
    waiting.lane = 3;
    waiting.bytes = 100;
    waiting.accepted = clock.WallNow();
    if (seq == 5) {
      waiting.progress.attempts = 4;
      waiting.progress.tries = 4;
      waiting.progress.may_have_arrived = true;
      waiting.progress.due = clock.WallNow() + absl::Seconds(3);
    }
    dispatcher.Restore(waiting);
  }
  last_seq = 6;
  RunFor(absl::Milliseconds(2'900));
  EXPECT_THAT(transport.attempts(), IsEmpty()) << "its back-off is not over";
  RunFor(absl::Milliseconds(100));
  ASSERT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_EQ(transport.attempts()[0].attempt, 5);
  EXPECT_TRUE(transport.attempts()[0].redelivery);
  EXPECT_EQ(transport.attempts()[0].lane_sequence, 11u);
  transport.Complete(0, Answered(200));
  Run();
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  EXPECT_EQ(transport.attempts()[1].attempt, 1);
  EXPECT_EQ(Row("a")->lane_sequence, 13u);
}

TEST_F(DispatcherTest, AClockThatWasSetBackDelaysARestoredRetryByADayAtMost) {
  dispatcher.Restore(LaneRecord{.id = 3, .route = route->name, .key = "k", .last_sequence = 1});
  rows[5] = std::make_shared<SpoolRow>();
  WaitingRow waiting;
  waiting.seq = 5;
  waiting.lane = 3;
  waiting.progress.due = clock.WallNow() + absl::Hours(1000);
  dispatcher.Restore(waiting);
  ASSERT_TRUE(dispatcher.NextDue().has_value());
  clock.Advance(absl::Hours(24));
  Turn();
  EXPECT_THAT(spool.wanted, ElementsAre(5));
}

TEST_F(DispatcherTest, ARestoredStrayLetsItsLaneGoOn) {
  transport.Run([](const auto&) { return Answered(200); });
  dispatcher.Restore(LaneRecord{
      .id = 3, .route = route->name, .key = "defaultApp/a", .last_sequence = 1, .ended = true});
  auto row = std::make_shared<SpoolRow>(*Row("b"));
  row->seq = 50;
  row->lane = 3;
  rows[50] = row;
  WaitingRow waiting;
  waiting.seq = 50;
  waiting.lane = 3;
  waiting.progress.reordered = true;
  waiting.progress.due = clock.WallNow() + absl::Seconds(5);
  dispatcher.Restore(waiting);
  Take("a", "UNPUBLISHED");
  Run();
  ASSERT_THAT(transport.attempts(), SizeIs(1)) << "what came later passes it";
  RunFor(absl::Seconds(5));
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  EXPECT_TRUE(transport.attempts()[1].reordered);
}

TEST_F(DispatcherTest, SleepsWhereNothingIsKnown) { EXPECT_EQ(dispatcher.NextDue(), std::nullopt); }

}  // namespace
}  // namespace tallybus::testing
