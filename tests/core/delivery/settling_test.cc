// Settle by itself: verdicts to the spool, order through retries, and what makes room.
#include "tests/core/delivery/dispatcher_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using Outcome = Settlement::Outcome;

Event KeepAlive(const std::string& name) {
  Event event = StatusEvent(name, "PUBLISHING");
  event.method = kStreamKeepAliveEvent;
  return event;
}

class SettlingTest : public DispatcherBench {
 protected:
  // "<name> <status> <attempt>" of each attempt.
  std::vector<std::string> Story() const {
    std::vector<std::string> story;
    for (const auto& a : transport.attempts()) {
      story.push_back(a.event.name + " " + a.event.status + " " + std::to_string(a.attempt));
    }
    return story;
  }
  SpoolRowPtr KeepAliveNow(const std::string& name) {
    const SpoolRowPtr row = Row(KeepAlive(name), *route);
    dispatcher.TryNow(row);
    return row;
  }
};

TEST_F(SettlingTest, SettlesByWhatBecameOfTheRow) {
  route->retry.kind = RetrySchedule::Kind::kNone;
  for (const char* name : {"a", "b", "c"}) Take(name);
  Turn();
  transport.Complete(0, Answered(200));
  transport.Complete(1, Answered(404, "Not Found"));
  transport.Complete(2, Refused());
  Turn();
  EXPECT_THAT(Became(), ElementsAre(Pair(1, Outcome::kDelivered), Pair(2, Outcome::kFailed),
                                    Pair(3, Outcome::kGivenUp)));
  EXPECT_THAT(outcomes.failures, ElementsAre("2 Not Found final", "3 connection refused final"));
  EXPECT_THAT(outcomes.settled, ElementsAre(1, 2, 3));
  EXPECT_THAT(log.Text(),
              HasSubstr("given up after 1 attempt: connection refused; it is a dead letter"));
  EXPECT_THAT(log.Text(), HasSubstr(" attempt 1 failed: 404 Not Found"));
  EXPECT_THAT(log.Text(), HasSubstr(" attempt 1 failed: connection refused"));
  EXPECT_EQ(queue().rows, 0u);
  EXPECT_EQ(queue().bytes, 0u);
}

TEST_F(SettlingTest, TheAnswerIsToldBeforeTheEndWhereItIsWaitedForAndTheAttemptSucceeded) {
  outcomes.wanted = {1, 3};
  for (const char* name : {"a", "b", "c"}) Take(name);
  Turn();
  EXPECT_TRUE(transport.attempts()[0].want_answer);
  EXPECT_FALSE(transport.attempts()[1].want_answer);
  transport.Complete(0, Answered(200, "OK", "yes"));
  transport.Complete(1, Answered(200, "OK", "nobody asked"));
  transport.Complete(2, Answered(500, "Oops", "no"));
  Turn();
  EXPECT_THAT(outcomes.answers, ElementsAre("1 yes"));
  EXPECT_THAT(outcomes.settled, ElementsAre(1, 2, 3));
}

TEST_F(SettlingTest, AGuaranteedRowIsSettledByADefiniteVerdictAlone) {
  route->delivery = DeliveryMode::kGuaranteed;
  for (const char* name : {"a", "b", "c"}) Take(name);
  Turn();
  transport.Complete(0, Answered(422, "Unprocessable\nEntity"));
  transport.Complete(1, Answered(500));
  transport.Complete(2, Answered(410));
  Turn();
  EXPECT_THAT(Became(), ElementsAre(Pair(1, Outcome::kRejected), Pair(3, Outcome::kGone)));
  EXPECT_EQ(spool.settled[0].reason, "Unprocessable\\x0aEntity");
  EXPECT_EQ(spool.settled[0].http_status, 422);
  EXPECT_EQ(spool.settled[0].attempts, 1);
  EXPECT_EQ(spool.settled[0].at, clock.WallNow());
  EXPECT_EQ(spool.settled[0].bytes, rows[1]->Bytes());
}

TEST_F(SettlingTest, NothingIsSettledWhileItIsTriedAgainButItsProgressIsNoted) {
  Take("a");
  Turn();
  clock.Advance(absl::Seconds(2));
  transport.Complete(0, TimedOut());
  Turn();
  EXPECT_THAT(spool.settled, IsEmpty());
  EXPECT_THAT(outcomes.failures, ElementsAre("1 timed out"));
  ASSERT_THAT(spool.progress, SizeIs(1));
  const Progress& progress = spool.progress[0];
  EXPECT_EQ(clock.WallNow() + (*outcomes.next_attempts.at(0) - clock.Now()), progress.due);
  EXPECT_EQ(progress.seq, 1u);
  EXPECT_EQ(progress.attempts, 1);
  EXPECT_EQ(progress.tries, 1);
  EXPECT_EQ(progress.own_time, absl::Seconds(2));
  EXPECT_TRUE(progress.may_have_arrived);
  EXPECT_FALSE(progress.reordered);
  EXPECT_GE(progress.due, clock.WallNow());
  EXPECT_LE(progress.due, clock.WallNow() + absl::Milliseconds(500));
}

TEST_F(SettlingTest, KeepsOrderThroughManyRetries) {
  transport.Run([](const auto& a) { return a.attempt < 5 ? Refused() : Answered(200); });
  const std::vector<std::string> statuses = {"PUBLISHING", "PLAYING", "UNPUBLISHED"};
  for (const std::string& status : statuses) Take("a", status);
  RunFor(absl::Minutes(5));
  std::vector<std::string> expected;
  for (const std::string& status : statuses) {
    for (int i = 1; i <= 5; ++i) expected.push_back("a " + status + " " + std::to_string(i));
  }
  EXPECT_EQ(Story(), expected);
  EXPECT_THAT(outcomes.settled, ElementsAre(1, 2, 3));
}

TEST_F(SettlingTest, WhereTheHeadIsSkippedLaterEventsPassItMarkedAsReordered) {
  route->skip_failed_head = true;
  bool mended = false;
  transport.Run([&](const auto& a) {
    return a.event.status == "BAD" && !mended ? Refused() : Answered(200);
  });
  Take("a", "PUBLISHING");
  const SpoolSeq bad = Take("a", "BAD");
  Take("a", "PLAYING");
  Run();
  EXPECT_THAT(Story(), ElementsAre("a PUBLISHING 1", "a BAD 1", "a PLAYING 1"));
  EXPECT_FALSE(transport.attempts()[1].reordered);
  EXPECT_TRUE(transport.attempts()[2].reordered);
  ASSERT_THAT(spool.progress, SizeIs(1));
  EXPECT_EQ(spool.progress[0].seq, bad);
  EXPECT_TRUE(spool.progress[0].reordered);
  mended = true;
  RunFor(absl::Seconds(1));
  EXPECT_THAT(outcomes.settled, ElementsAre(1, 3, bad));
  const auto& last = transport.attempts().back();
  EXPECT_TRUE(last.reordered);
  EXPECT_EQ(last.attempt, 2);
  EXPECT_EQ(last.lane, "defaultApp/a");
  EXPECT_EQ(last.lane_sequence, 2u);
  Take("a", "UNPUBLISHED");
  Run();
  EXPECT_FALSE(transport.attempts().back().reordered) << "all is in order again";
}

TEST_F(SettlingTest, ASkippedHeadGivesUpByItselfAndHoldsNoLaneBack) {
  route->skip_failed_head = true;
  route->retry = {.kind = RetrySchedule::Kind::kSteps, .steps = {absl::Seconds(1)}};
  transport.Run([](const auto& a) { return a.event.status == "BAD" ? Refused() : Answered(200); });
  const SpoolSeq bad = Take("a", "BAD");
  for (int i = 0; i < 3; ++i) Take("a");
  RunFor(absl::Seconds(2));
  EXPECT_EQ(Became().at(bad), Outcome::kGivenUp);
  EXPECT_EQ(Became().size(), 4u);
  RouterTotals totals;
  dispatcher.AddTotals(&totals);
  EXPECT_EQ(totals.waiting, 0u);
  RunFor(absl::Hours(25));
  EXPECT_EQ(metrics.GetGauge("tallybus_lanes", "").Value(), 0);
}

TEST_F(SettlingTest, AtOnceByHandIsForOneEndpointAndTheNextBackOffIsWaitedFor) {
  route->retry = {.kind = RetrySchedule::Kind::kSteps, .steps = {absl::Seconds(1), absl::Hours(1)}};
  const auto other = NewRoute("other", &transport);
  SetRoute(other);
  transport.Run([](const auto&) { return Refused(); });
  Take("a");
  dispatcher.Enqueue(Row(StatusEvent("b", "PUBLISHING"), *other));
  Run();
  dispatcher.TryAtOnce(queue());
  Run();
  EXPECT_THAT(Story(), ElementsAre("a PUBLISHING 1", "b PUBLISHING 1", "a PUBLISHING 2"));
  const absl::Duration wait = spool.progress.back().due - clock.WallNow();
  ASSERT_GT(wait, absl::Seconds(1)) << "longer than the back-off that was cut short";
  RunFor(absl::Seconds(1));
  EXPECT_THAT(Story(), Not(Contains("a PUBLISHING 3")));
  RunFor(wait);
  EXPECT_THAT(Story(), Contains("a PUBLISHING 3"));
}

TEST_F(SettlingTest, WhatWasTakenIsTheSumOfWhatTheTotalsTellOfIt) {
  route->coalesce = true;
  Take("a", "PUBLISHING");
  Turn();
  route->quota_bytes = 6 * rows[1]->Bytes();
  for (const char* status : {"PLAYING", "PLAYING", "PLAYING", "PAUSED", "FAILED"})
    Take("a", status);
  for (const char* name : {"b", "c", "d", "e"}) Take(name, "PLAYING");
  Run();
  transport.Complete(0, Answered(200));
  transport.Complete(1, Answered(500));
  Run();
  RouterTotals totals;
  dispatcher.AddTotals(&totals);
  EXPECT_EQ(totals.delivered, 1u);
  EXPECT_EQ(totals.failed, 1u);
  EXPECT_EQ(totals.coalesced, 1u);
  EXPECT_GE(totals.shed, 1u);
  EXPECT_EQ(totals.delivered + totals.failed + totals.given_up + totals.shed + totals.coalesced +
                totals.waiting + totals.in_flight,
            10u);
}

TEST_F(SettlingTest, TheFailureThatBeginsAnOutageCountsForAnEventAloneAndInABatch) {
  route->delivery = DeliveryMode::kGuaranteed;
  route->retry = {RetrySchedule::Kind::kSteps, {absl::Seconds(1)}};
  DeliveryResult busy = Answered(503, "Busy");
  busy.retry_after = absl::Seconds(1);  // until then nothing goes: an outage
  transport.Run([busy](const auto&) { return busy; });
  for (const auto& limits : {std::optional<BatchLimits>(), std::optional(BatchLimits())}) {
    route->batch = limits;
    const SpoolSeq seq = Take("a");
    RunFor(absl::Seconds(10));
    EXPECT_THAT(Became(), Contains(Pair(seq, Outcome::kGivenUp))) << "after its second attempt";
  }
}

TEST_F(SettlingTest, ADisabledEndpointsEventsAreDeadLettersWithoutAnAttempt) {
  queue().gate[0].Disable("moved", "ann", clock.Now());
  for (int i = 0; i < 300; ++i) Take("n" + std::to_string(i % 150));
  Run();
  EXPECT_THAT(transport.attempts(), IsEmpty());
  ASSERT_EQ(Became().size(), 300u);
  for (const auto& [seq, outcome] : Became()) EXPECT_EQ(outcome, Outcome::kGone);
  EXPECT_THAT(outcomes.failures, SizeIs(300));
  EXPECT_EQ(outcomes.failures[0], "1 the endpoint is disabled final");
}

TEST_F(SettlingTest, AKeepAliveIsTriedOnceAndTouchesNoSpool) {
  KeepAliveNow("a");
  Turn();
  ASSERT_THAT(transport.attempts(), SizeIs(1));
  transport.Complete(0, Refused());
  RunFor(absl::Hours(1));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(spool.settled, IsEmpty());
  EXPECT_THAT(spool.progress, IsEmpty());
  EXPECT_THAT(outcomes.failures, ElementsAre("1 connection refused final"));
  EXPECT_THAT(batch.lanes, IsEmpty());
}

TEST_F(SettlingTest, AKeepAliveBehindAnotherIsShedAndKeepsNoLane) {
  KeepAliveNow("a");
  KeepAliveNow("a");
  KeepAliveNow("a");
  Turn();
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_EQ(Count("tallybus_events_shed_total"), 2u);
  transport.Complete(0, Answered(200));
  Turn();
  queue().gate[0].Pause("", "", clock.Now());
  KeepAliveNow("a");
  KeepAliveNow("a");
  EXPECT_FALSE(dispatcher.TryNow(Row(KeepAlive("b"), *route))) << "it never will be";
  EXPECT_EQ(Count("tallybus_events_shed_total"), 5u);
  clock.Advance(absl::Hours(25));
  Turn();
  EXPECT_EQ(metrics.GetGauge("tallybus_lanes", "").Value(), 0);
}

TEST_F(SettlingTest, KeepAlivesOfADeadEndpointDoNotStopWhatComesAfterIt) {
  bool up = false;
  transport.Run([&](const auto& a) -> std::optional<DeliveryResult> {
    if (up) return Answered(200);
    if (a.event.method == kStreamKeepAliveEvent) return std::nullopt;
    return Refused();
  });
  for (int i = 0; i < 60; ++i) {
    KeepAliveNow("k" + std::to_string(i));
    Take("n" + std::to_string(i));
    RunFor(absl::Seconds(1));
  }
  up = true;
  RunFor(absl::Minutes(3));
  EXPECT_EQ(Became().size(), 60u);
}

TEST_F(SettlingTest, AnAttemptThatOutlivesTheBreakerBurnsNothing) {
  route->retry = {.kind = RetrySchedule::Kind::kSteps, .steps = {absl::Seconds(1)}};
  for (int i = 0; i < 8; ++i) Take("n" + std::to_string(i));
  Turn();
  ASSERT_THAT(transport.attempts(), SizeIs(8));
  for (size_t i = 0; i < 8; ++i) transport.Complete(i, Refused());
  Run();
  int burnt = 0;
  for (const Progress& progress : spool.progress) burnt += progress.tries;
  EXPECT_EQ(burnt, 5) << "those that opened the breaker";
  transport.Run([](const auto&) { return Answered(200); });
  RunFor(absl::Minutes(1));
  EXPECT_EQ(Became().size(), 8u);
}

class WaitingAheadTest : public SettlingTest {
 protected:
  // One attempt at `first` is under way, `second` waits for its connection.
  void WaitAhead() {
    transport.SetMostAhead(1);
    route->endpoint.max_connections = 1;
    SetRoute(route);
    for (int i = 0; i < 100; ++i) {
      Take("warm");
      Run();
      transport.Complete(transport.attempts().size() - 1, Answered(200));
      Run();
    }
    before = transport.attempts().size();
    Take("first");
    Take("second");
    Run();
    ASSERT_EQ(transport.attempts().size(), before + 2);
    ASSERT_FALSE(transport.attempts()[before].ahead);
    ASSERT_TRUE(transport.attempts()[before + 1].ahead);
  }
  size_t before = 0;
};

TEST_F(WaitingAheadTest, AnEventThatWaitsForAConnectionIsDeliveredLikeAnyOther) {
  WaitAhead();
  EXPECT_EQ(queue().gate[0].Snapshot(clock.Now()).in_flight, 1);
  transport.Complete(before, Answered(200));
  transport.Complete(before + 1, Answered(200));
  Run();
  EXPECT_EQ(queue().rows, 0u);
  EXPECT_EQ(Count("tallybus_attempts_total"), 102u);
  EXPECT_EQ(Count("tallybus_events_delivered_total"), 102u);
}

TEST_F(WaitingAheadTest, WhatComesBackUnsentHadNoAttempt) {
  route->retry.kind = RetrySchedule::Kind::kNone;
  WaitAhead();
  transport.Complete(before + 1, Unsent());
  transport.Complete(before, Answered(503, "Busy"));
  Run();
  ASSERT_EQ(transport.attempts().size(), before + 3);
  const auto& again = transport.attempts().back();
  EXPECT_EQ(again.event.name, "second");
  EXPECT_EQ(again.attempt, 1);
  EXPECT_FALSE(again.redelivery);
  EXPECT_FALSE(again.ahead) << "a failure came before";
  EXPECT_THAT(outcomes.failures, ElementsAre(HasSubstr("Busy final")));
  transport.Complete(before + 2, Answered(200));
  Run();
  EXPECT_EQ(queue().rows, 0u);
  EXPECT_EQ(Count("tallybus_attempts_total"), 102u) << "of 102 events";
  EXPECT_EQ(Count("tallybus_attempts_failed_total"), 1u);
  EXPECT_THAT(outcomes.attempts, SizeIs(102)) << "nobody is told of one that was not made";
}

TEST_F(WaitingAheadTest, AKeepAliveWaitsAmongTheOthers) {
  WaitAhead();
  transport.Complete(before, Answered(200));
  dispatcher.Settle();
  ASSERT_TRUE(dispatcher.TryNow(Row(KeepAlive("third"), *route)));
  dispatcher.Dispatch();
  EXPECT_FALSE(transport.attempts().back().ahead) << "it is in no spool: nobody could give it back";
}

TEST_F(WaitingAheadTest, ItsOwnFailureIsJudgedLikeAnyOther) {
  route->retry.kind = RetrySchedule::Kind::kNone;
  WaitAhead();
  transport.Complete(before, Answered(200));
  transport.Complete(before + 1, Refused());
  Run();
  EXPECT_THAT(outcomes.failures, ElementsAre(HasSubstr("connection refused final")));
  EXPECT_EQ(queue().rows, 0u);
}

}  // namespace
}  // namespace tallybus::testing
