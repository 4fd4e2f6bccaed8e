// Batches by themselves: what goes together, the order of each lane, and what a refusal costs.
#include "tests/core/delivery/dispatcher_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using Outcome = Settlement::Outcome;

constexpr absl::Duration kWait = absl::Milliseconds(10);

class BatchingTest : public DispatcherBench {
 protected:
  BatchingTest() { route->batch = BatchLimits{.max_events = 4, .max_wait = kWait}; }

  // A row whose name tells it from the others of its lane, which `lane` names.
  SpoolSeq TakeIn(const std::string& lane, const std::string& name,
                  const std::string& status = "PLAYING") {
    Event event = StatusEvent(name, status);
    event.published = false;
    event.media_session_id = lane;
    const SpoolRowPtr row = Row(std::move(event), *route);
    dispatcher.Enqueue(row);
    return row->seq;
  }
  // The names of each request's events.
  std::vector<std::vector<std::string>> Requests() const {
    std::vector<std::vector<std::string>> requests;
    for (const auto& attempt : transport.attempts()) requests.push_back(attempt.batch);
    return requests;
  }
  // A peer that refuses what holds one of these names.
  void Refuse(const std::vector<std::string>& names, int code = 400) {
    transport.Run([names, code](const ScriptedTransport::Attempt& a) {
      const bool bad = std::any_of(names.begin(), names.end(), [&a](const std::string& name) {
        return std::find(a.batch.begin(), a.batch.end(), name) != a.batch.end();
      });
      return Answered(bad ? code : 200, bad ? "Bad Request" : "OK");
    });
  }
};

TEST_F(BatchingTest, WaitsForCompanyButNotForLong) {
  TakeIn("a", "a1");
  TakeIn("b", "b1");
  Run();
  EXPECT_THAT(Requests(), IsEmpty());
  ASSERT_TRUE(dispatcher.NextDue());
  EXPECT_EQ(*dispatcher.NextDue(), clock.Now() + kWait);
  clock.Advance(kWait);
  Run();
  EXPECT_THAT(Requests(), ElementsAre(ElementsAre("a1", "b1")));
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_THAT(Became(), ElementsAre(Pair(1, Outcome::kDelivered), Pair(2, Outcome::kDelivered)));
  EXPECT_THAT(outcomes.attempts, ElementsAre("1 1", "2 1"));
  EXPECT_THAT(spool.wanted, IsEmpty()) << "what has just come needs no loading";
  EXPECT_EQ(queue().rows, 0u);
}

TEST_F(BatchingTest, AFullOneWaitsForNothing) {
  for (const char* name : {"a1", "a2", "a3", "a4"}) TakeIn("a", name);
  Run();
  EXPECT_THAT(Requests(), ElementsAre(ElementsAre("a1", "a2", "a3", "a4")));
}

TEST_F(BatchingTest, ALaneIsInOneBatchAtATime) {
  for (const char* name : {"a1", "a2", "a3", "a4", "a5"}) TakeIn("a", name);
  for (const char* name : {"b1", "b2", "b3", "b4"}) TakeIn("b", name);
  RunFor(kWait);
  EXPECT_THAT(Requests(), ElementsAre(ElementsAre("a1", "a2", "a3", "a4"),
                                      ElementsAre("b1", "b2", "b3", "b4")));
  transport.Complete(1, Answered(200));
  RunFor(kWait);
  EXPECT_THAT(Requests(), SizeIs(2)) << "a5 waits for those before it";
  transport.Complete(0, Answered(200));
  RunFor(kWait);
  EXPECT_THAT(Requests().back(), ElementsAre("a5"));
}

TEST_F(BatchingTest, ALargeEventGoesAloneAndTheBytesAreKept) {
  const size_t one = Row("a")->Bytes();
  route->batch->max_bytes = 2 * one + one / 2;
  for (const char* name : {"a", "b", "c"}) Take(name);
  RunFor(kWait);
  EXPECT_THAT(Requests(), ElementsAre(SizeIs(2), SizeIs(1)));
  route->batch->max_bytes = one / 2;
  for (const char* name : {"d", "e"}) Take(name);
  RunFor(kWait);
  EXPECT_THAT(Requests(), ElementsAre(SizeIs(2), SizeIs(1), SizeIs(1), SizeIs(1)));
}

TEST_F(BatchingTest, ABadEventIsFoundByHalvingAndTheOthersArrive) {
  Refuse({"a3"});
  for (const char* name : {"a1", "a2", "a3", "a4"}) TakeIn("a", name);
  route->delivery = DeliveryMode::kGuaranteed;
  Run();
  EXPECT_THAT(Requests(),
              ElementsAre(ElementsAre("a1", "a2", "a3", "a4"), ElementsAre("a1", "a2"),
                          ElementsAre("a3", "a4"), ElementsAre("a3"), ElementsAre("a4")));
  EXPECT_THAT(Became(), Contains(Pair(4, Outcome::kDelivered)));
  EXPECT_EQ(Became().at(3), Outcome::kFailed) << "`notify` was frozen when it was accepted";
  EXPECT_THAT(outcomes.failures, ElementsAre("3 Bad Request final"));
  EXPECT_EQ(transport.attempts().back().attempt, 3);
  EXPECT_FALSE(spool.progress.empty()) << "a crash between the halves must not hide the first try";
  EXPECT_TRUE(transport.attempts().back().redelivery);
}

TEST_F(BatchingTest, UnderGuaranteedTheBadEventIsADeadLetter) {
  route->delivery = DeliveryMode::kGuaranteed;
  Refuse({"a2", "b1"}, 422);
  for (const char* name : {"a1", "a2"}) TakeIn("a", name);
  for (const char* name : {"b1", "b2"}) TakeIn("b", name);
  Run();
  EXPECT_THAT(Became(), ElementsAre(Pair(1, Outcome::kDelivered), Pair(2, Outcome::kRejected),
                                    Pair(3, Outcome::kRejected), Pair(4, Outcome::kDelivered)));
}

TEST_F(BatchingTest, ALaneGoesOnOnlyWhenItsPartsAreSettled) {
  for (const char* name : {"a1", "a2", "a3", "a4", "a5"}) TakeIn("a", name);
  Run();
  transport.Complete(0, Answered(400));
  RunFor(kWait);
  ASSERT_THAT(Requests(), SizeIs(2));
  EXPECT_THAT(Requests().back(), ElementsAre("a1", "a2"));
  transport.Complete(1, Answered(200));
  RunFor(kWait);
  EXPECT_THAT(Requests().back(), ElementsAre("a3", "a4"));
  transport.Complete(2, Answered(200));
  RunFor(kWait);
  EXPECT_THAT(Requests().back(), ElementsAre("a5"));
}

TEST_F(BatchingTest, WhatIsTheEndpointsOwnTroubleSplitsNothing) {
  for (const int code : {401, 404, 405, 410, 429, 500, 503}) {
    const size_t before = Requests().size();
    Refuse({"a", "b"}, code);
    Take("a");
    Take("b");
    RunFor(kWait);
    EXPECT_THAT(Requests(), SizeIs(before + 1)) << code;
    EXPECT_THAT(Requests().back(), SizeIs(2)) << code;
  }
}

TEST_F(BatchingTest, IsTriedAgainTogetherAndInOrder) {
  transport.Run([](const auto& a) { return a.attempt < 3 ? Refused() : Answered(200); });
  for (const char* name : {"a1", "a2"}) TakeIn("a", name);
  TakeIn("b", "b1");
  RunFor(absl::Minutes(1));
  ASSERT_THAT(Requests(), SizeIs(3));
  EXPECT_THAT(Requests(), Each(ElementsAre("a1", "a2", "b1")));
  EXPECT_FALSE(transport.attempts().back().redelivery) << "nothing had ever left";
  EXPECT_THAT(outcomes.settled, ElementsAre(1, 2, 3));
  EXPECT_THAT(outcomes.attempts, Contains("2 3"));
}

TEST_F(BatchingTest, WhatMayHaveArrivedIsCountedOnceHoweverOftenItIsTried) {
  transport.Run([](const auto&) { return TimedOut(); });
  for (const char* name : {"a1", "a2", "a3"}) TakeIn("a", name);
  RunFor(absl::Seconds(3));
  ASSERT_GE(Requests().size(), 2u);
  RouterTotals totals;
  dispatcher.AddTotals(&totals);
  EXPECT_EQ(totals.unknown, 3u);
}

TEST_F(BatchingTest, ANewcomerDoesNotInheritTheOldOnesTries) {
  transport.Run([](const auto& a) { return a.attempt == 1 ? TimedOut() : Answered(200); });
  TakeIn("a", "a1");
  TakeIn("a", "a2");
  RunFor(kWait);
  TakeIn("a", "a3");
  RunFor(absl::Minutes(1));
  EXPECT_THAT(Requests(), ElementsAre(ElementsAre("a1", "a2"), ElementsAre("a1", "a2"),
                                      ElementsAre("a3"), ElementsAre("a3")));
  EXPECT_TRUE(transport.attempts()[1].redelivery);
  ASSERT_THAT(spool.progress, SizeIs(3));
  EXPECT_EQ(spool.progress[1].seq, 2u);
  EXPECT_EQ(spool.progress[1].attempts, 1);
  EXPECT_EQ(spool.progress[1].tries, 1);
  EXPECT_TRUE(spool.progress[1].may_have_arrived);
}

TEST_F(BatchingTest, WithoutARetryAllOfItIsGivenUp) {
  route->retry.kind = RetrySchedule::Kind::kNone;
  transport.Run([](const auto&) { return Refused(); });
  for (const char* name : {"a1", "a2"}) TakeIn("a", name);
  RunFor(kWait);
  EXPECT_THAT(Became(), ElementsAre(Pair(1, Outcome::kGivenUp), Pair(2, Outcome::kGivenUp)));
}

TEST_F(BatchingTest, EndsGoOnWhereOthersGiveUp) {
  transport.Run([](const auto&) { return Answered(503, "Busy"); });
  route->delivery = DeliveryMode::kGuaranteed;
  route->retry = {RetrySchedule::Kind::kLive};
  TakeIn("a", "a1");
  TakeIn("a", "a2", "STOPPED");
  TakeIn("a", "a3");
  RunFor(absl::Hours(2));  // in outages their own time stands still
  EXPECT_THAT(Became(), IsEmpty());
  transport.Run([](const auto&) { return Answered(200); });
  RunFor(absl::Minutes(5));
  EXPECT_THAT(outcomes.settled, ElementsAre(1, 2, 3));
}

TEST_F(BatchingTest, AnOutageIsProbedWithOneEvent) {
  route->delivery = DeliveryMode::kGuaranteed;
  transport.Run([](const auto&) { return Refused(); });
  for (int i = 0; i < 8; ++i) TakeIn("lane " + std::to_string(i % 2), std::to_string(i));
  RunFor(absl::Minutes(10));
  const size_t opened = 5;  // failures in a row
  ASSERT_GT(Requests().size(), opened);
  for (size_t i = opened; i < Requests().size(); ++i) EXPECT_THAT(Requests()[i], SizeIs(1));
  transport.Run([](const auto&) { return Answered(200); });
  RunFor(absl::Minutes(2));
  EXPECT_THAT(outcomes.settled, SizeIs(8));
}

TEST_F(BatchingTest, EachRequestCountsAgainstTheLimit) {
  route->endpoint.max_connections = 1;
  SetRoute(route);
  for (int lane = 0; lane < 3; ++lane) {
    for (int i = 0; i < 4; ++i) TakeIn("lane " + std::to_string(lane), "x");
  }
  RunFor(kWait);
  EXPECT_THAT(Requests(), SizeIs(1));
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_THAT(Requests(), SizeIs(2));
}

TEST_F(BatchingTest, ABacklogIsLoadedForABatchAndNotBefore) {
  route->endpoint.max_connections = 1;
  SetRoute(route);
  for (int i = 0; i < 40; ++i) TakeIn("lane " + std::to_string(i % 20), std::to_string(i));
  dispatcher.Settle();
  dispatcher.Dispatch();
  EXPECT_LE(spool.wanted.size(), 12u) << "three batches of four at most";
  transport.Run([](const auto&) { return Answered(200); });
  RunFor(absl::Seconds(1));
  ASSERT_THAT(Requests(), Contains(SizeIs(4)));
  transport.Complete(0, Answered(200));
  RunFor(absl::Seconds(1));
  EXPECT_THAT(outcomes.settled, SizeIs(40));
}

TEST_F(BatchingTest, ADamagedRowIsBuriedAndItsCompanyGoes) {
  TakeIn("a", "a1");
  RunFor(kWait);
  const SpoolSeq damaged = TakeIn("a", "a2");
  TakeIn("a", "a3");
  auto broken = std::make_shared<SpoolRow>(*rows[damaged]);
  broken->event = nullptr;
  rows[damaged] = broken;
  transport.Complete(0, Answered(200));
  RunFor(kWait);
  EXPECT_THAT(Requests().back(), ElementsAre("a3"));
  transport.Complete(1, Answered(200));
  Run();
  EXPECT_EQ(Became().at(damaged), Outcome::kGivenUp);
  EXPECT_THAT(outcomes.settled, ElementsAre(1, 2, 3));
}

TEST_F(BatchingTest, AReloadToSingleEventsKeepsTheOrder) {
  for (const char* name : {"a1", "a2", "a3"}) TakeIn("a", name);
  Run();
  EXPECT_THAT(Requests(), IsEmpty());
  route->batch.reset();
  transport.Run([](const auto&) { return Answered(200); });
  Run();
  EXPECT_THAT(Requests(), ElementsAre(ElementsAre("a1"), ElementsAre("a2"), ElementsAre("a3")));
}

TEST_F(BatchingTest, AReloadToBatchesLetsGoOfWhatAMethodHeld) {
  const auto limits = route->batch;
  route->batch.reset();
  route->delivery = DeliveryMode::kGuaranteed;
  SetRoute(route);
  transport.Run([](const auto&) { return Answered(404, "Not Found"); });
  for (int i = 0; i < 20; ++i) TakeIn("lane " + std::to_string(i), std::to_string(i));
  Run();
  EXPECT_EQ(queue().gate[0].Alarms().size(), 1u);
  auto batched = std::make_shared<Route>(*route);
  batched->batch = limits;
  transport.Run([](const auto&) { return Answered(200); });
  SetRoute(batched);
  EXPECT_THAT(queue().gate[0].Alarms(), IsEmpty());
  RunFor(absl::Minutes(2));
  EXPECT_THAT(outcomes.settled, SizeIs(20));
}

TEST_F(BatchingTest, AHoldOfTheOldAddressCostsNoTimeAtTheNew) {
  const auto limits = route->batch;
  route->batch.reset();
  route->delivery = DeliveryMode::kGuaranteed;
  SetRoute(route);
  transport.Run([](const auto&) { return Answered(404, "Not Found"); });
  TakeIn("a", "a1");
  RunFor(absl::Hours(1));
  auto batched = std::make_shared<Route>(*route);
  batched->batch = limits;
  transport.Run([](const auto&) { return Answered(500, "Later"); });
  SetRoute(batched);
  RunFor(absl::Minutes(1));
  EXPECT_THAT(outcomes.settled, IsEmpty()) << "it has not tried for 15 minutes of its own";
}

TEST_F(BatchingTest, WhatIsShedAfterAFailureLeavesNoTriesToOthers) {
  route->retry = {RetrySchedule::Kind::kSteps, {absl::Seconds(10)}};
  transport.Run([](const auto&) { return Refused(); });
  for (const char* name : {"a1", "a2", "a3", "a4"}) TakeIn("a", name);
  Run();
  ASSERT_THAT(Requests(), SizeIs(1));
  route->quota_bytes = rows[1]->Bytes() * 3;
  for (const char* name : {"a5", "a6"}) TakeIn("a", name);  // makes room by shedding a2 and others
  RunFor(absl::Seconds(11));
  ASSERT_GE(Requests().size(), 2u);
  EXPECT_THAT(Requests()[1], ElementsAre("a1"));
}

TEST_F(BatchingTest, CoalescingTakesNothingThatWentInABatch) {
  route->coalesce = true;
  transport.Run([](const auto&) { return TimedOut(); });
  for (int i = 0; i < 3; ++i) TakeIn("a", "cam", "PLAYING");
  RunFor(kWait);
  ASSERT_THAT(Requests(), SizeIs(1));
  TakeIn("a", "cam", "PLAYING");
  Run();
  EXPECT_THAT(Became(), IsEmpty());
}

TEST_F(BatchingTest, AStopSendsTheBatchThatFills) {
  TakeIn("a", "a1");
  Run();
  EXPECT_THAT(Requests(), IsEmpty());
  dispatcher.StopRetries();
  Run();
  EXPECT_THAT(Requests(), SizeIs(1));
}

TEST_F(BatchingTest, WhatFallsDueBetweenTheLookAndTheSleepIsNotForgotten) {
  TakeIn("a", "a1");
  Run();
  clock.Advance(kWait + absl::Milliseconds(1));
  ASSERT_TRUE(dispatcher.NextDue());
  EXPECT_LE(*dispatcher.NextDue(), clock.Now());
}

TEST_F(BatchingTest, APausedEndpointGetsNothingAndLosesNothing) {
  TakeIn("a", "a1");
  Run();
  queue().gate[0].Pause("", "", clock.Now());
  TakeIn("a", "a2");
  RunFor(absl::Minutes(1));
  EXPECT_THAT(Requests(), IsEmpty());
  transport.Run([](const auto&) { return Answered(200); });
  queue().gate[0].Resume(clock.Now());
  RunFor(absl::Seconds(1));
  EXPECT_THAT(outcomes.settled, ElementsAre(1, 2));
}

TEST_F(BatchingTest, OurOwnStopIsNoVerdict) {
  for (const char* name : {"a1", "a2"}) TakeIn("a", name);
  RunFor(kWait);
  dispatcher.StopDispatch();
  RouterTotals totals;
  dispatcher.AddTotals(&totals);
  EXPECT_EQ(totals.in_flight, 2u);
  EXPECT_EQ(totals.unknown, 2u);
  DeliveryResult stopped = TimedOut();
  stopped.status = absl::CancelledError("stop");
  transport.Complete(0, stopped);
  Run();
  EXPECT_THAT(spool.settled, IsEmpty());
  ASSERT_THAT(spool.progress, SizeIs(2));
  EXPECT_TRUE(spool.progress[1].may_have_arrived);
  EXPECT_EQ(spool.progress[1].attempts, 1);
  EXPECT_EQ(spool.progress[1].tries, 0);
  dispatcher.AddTotals(&totals);
  EXPECT_EQ(totals.in_flight, 0u);
  EXPECT_EQ(totals.waiting, 2u);
  EXPECT_EQ(totals.unknown, 2u);
}

}  // namespace
}  // namespace tallybus::testing
