// Which events a newer one takes the place of, where a route wants no more than the newest.
#include "delivery/coalescing.h"

#include <deque>
#include <random>

#include "tests/core/delivery/dispatcher_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using Outcome = Settlement::Outcome;

class CoalescingTest : public DispatcherBench {
 protected:
  CoalescingTest() { route->coalesce = true; }

  void Commit(const std::vector<SpoolRowPtr>& placed) {
    for (const SpoolRowPtr& row : placed) dispatcher.Enqueue(row);
  }
  // The stream's first event arrives, and the next is in flight.
  void BeginWithOneInFlight() {
    Take("a", "PLAYING");
    Turn();
    const SpoolSeq second = Take("a", "PLAYING");
    transport.Complete(0, Answered(200));
    Run();
    ASSERT_THAT(transport.attempts(), SizeIs(2));
    ASSERT_EQ(transport.attempts()[1].lane_sequence, second);
  }
  void AnswerAll() {
    transport.Run([](const auto&) { return Answered(200); });
    for (size_t i = 0; i < transport.attempts().size(); ++i) {
      if (transport.attempts()[i].open) transport.Complete(i, Answered(200));
    }
    Run();
  }
  // The places in their lanes of what was sent.
  std::vector<uint64_t> Sent() {
    std::vector<uint64_t> sent;
    for (const auto& attempt : transport.attempts()) sent.push_back(attempt.lane_sequence);
    return sent;
  }
  uint64_t Coalesced() { return Count("tallybus_events_coalesced_total"); }
};

TEST_F(CoalescingTest, ANewerEventTakesThePlaceOfAnOlderOneOfItsStatus) {
  Take("a", "PLAYING");
  Turn();
  const SpoolSeq second = Take("a", "PLAYING");
  const SpoolSeq third = Take("a", "PLAYING");
  const SpoolSeq fourth = Take("a", "PLAYING");
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_THAT(Became(), ElementsAre(Pair(1, Outcome::kDelivered), Pair(second, Outcome::kCoalesced),
                                    Pair(third, Outcome::kCoalesced)))
      << "never the one in flight";
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  EXPECT_EQ(transport.attempts()[1].lane_sequence, fourth);
  EXPECT_EQ(transport.attempts()[1].coalesced, 2u);
  EXPECT_EQ(Coalesced(), 2u);
}

TEST_F(CoalescingTest, OfABurstThatIsCommittedAtOnceTheFirstAndTheNewestStay) {
  std::vector<SpoolRowPtr> burst;
  for (int i = 0; i < 1000; ++i) burst.push_back(Row("a", "PLAYING"));
  Commit(burst);
  Run();
  EXPECT_EQ(Coalesced(), 998u);
  EXPECT_EQ(queue().rows, 2u);
  EXPECT_EQ(queue().bytes, burst.front()->Bytes() + burst.back()->Bytes());
  EXPECT_THAT(outcomes.settled, SizeIs(998)) << "each is told of";
  EXPECT_THAT(spool.settled, Each(::testing::Field(&Settlement::outcome, Outcome::kCoalesced)));
  AnswerAll();
  EXPECT_THAT(Sent(), ElementsAre(1, 1000));
  EXPECT_EQ(transport.attempts()[1].coalesced, 998u);
  EXPECT_EQ(queue().rows, 0u);
  EXPECT_EQ(queue().outdated_bytes, 0u);
}

TEST_F(CoalescingTest, OfABurstThatIsCommittedPieceByPieceNothingElseIsSent) {
  BeginWithOneInFlight();
  std::vector<SpoolRowPtr> burst;
  for (int i = 0; i < 100; ++i) burst.push_back(Row("a", "PLAYING"));
  AnswerAll();
  for (const SpoolRowPtr& row : burst) {
    Commit({row});
    Run();
  }
  AnswerAll();
  EXPECT_THAT(Sent(), ElementsAre(1, 2, 102));
  EXPECT_EQ(Coalesced(), 99u);
}

// A crash before the newer one is in the spool must find the older one there.
TEST_F(CoalescingTest, WhatIsReplacedIsSettledOnceTheNewerOneIsCommitted) {
  BeginWithOneInFlight();
  const SpoolSeq third = Take("a", "PLAYING");
  const SpoolRowPtr fourth = Row("a", "PLAYING");
  const SpoolRowPtr fifth = Row("a", "PLAYING");
  AnswerAll();
  EXPECT_THAT(Sent(), ElementsAre(1, 2)) << "its place is taken already";
  EXPECT_FALSE(Became().contains(third));
  Commit({fourth});
  Run();
  EXPECT_EQ(Became()[third], Outcome::kCoalesced);
  EXPECT_FALSE(Became().contains(fourth->seq));
  Commit({fifth});
  Run();
  EXPECT_EQ(Became()[fourth->seq], Outcome::kCoalesced);
  AnswerAll();
  EXPECT_THAT(Sent(), ElementsAre(1, 2, 5));
  EXPECT_EQ(transport.attempts()[2].coalesced, 2u);
}

TEST_F(CoalescingTest, AChangeOfStatusStaysAndNothingPassesIt) {
  std::vector<SpoolRowPtr> burst;
  for (const char* status : {"PUBLISHING", "PLAYING", "PLAYING", "PLAYING", "PAUSED", "PLAYING",
                             "PLAYING", "PLAYING", "UNPUBLISHED"}) {
    burst.push_back(Row("a", status));
  }
  Commit(burst);
  Run();
  AnswerAll();
  EXPECT_THAT(Sent(), ElementsAre(1, 2, 4, 5, 6, 8, 9));
}

TEST_F(CoalescingTest, ATerminalEventIsNeverReplaced) {
  Take("a", "PUBLISHING");
  Turn();
  for (int i = 0; i < 3; ++i) Take("a", "UNPUBLISHED");
  AnswerAll();
  EXPECT_EQ(Became().size(), 4u);
  EXPECT_EQ(Coalesced(), 0u);
}

TEST_F(CoalescingTest, TheFirstEventOfAStreamStaysWhereItsNameIsOpenedAgain) {
  Commit({Row("a"), Row("a"), Row("a")});
  Event again = StatusEvent("a", "PUBLISHING");
  again.media_session_id = "another";
  for (int i = 0; i < 3; ++i) Commit({Row(again, *route)});
  Run();
  AnswerAll();
  EXPECT_THAT(Sent(), ElementsAre(1, 3, 4, 6));
}

TEST_F(CoalescingTest, EventsWithoutAStatusAndOurOwnAreNoSnapshots) {
  for (int i = 0; i < 4; ++i) Commit({Row(StatusEvent("a", ""), *route)});
  Event alert = StatusEvent("b", "FIRING");
  alert.from_router = true;
  for (int i = 0; i < 4; ++i) Commit({Row(alert, *route)});
  Run();
  AnswerAll();
  EXPECT_THAT(transport.attempts(), SizeIs(8));
}

TEST_F(CoalescingTest, WhatWasTriedIsNeverReplaced) {
  BeginWithOneInFlight();
  transport.Complete(1, TimedOut());
  Run();
  const SpoolSeq third = Take("a", "PLAYING");
  const SpoolSeq fourth = Take("a", "PLAYING");
  Run();
  EXPECT_THAT(Became(),
              ElementsAre(Pair(1, Outcome::kDelivered), Pair(third, Outcome::kCoalesced)));
  EXPECT_EQ(queue().rows, 2u) << "the one that may have arrived, and " << fourth;
}

TEST_F(CoalescingTest, WhatWasTriedIsNotReplacedWhileItWaitsForItsNextAttempt) {
  BeginWithOneInFlight();
  transport.Complete(1, Refused());
  Run();
  queue().gate[0].Pause("", "", clock.Now());
  RunFor(absl::Minutes(1));  // its retry is due, and waits for the endpoint
  for (int i = 0; i < 3; ++i) Take("a", "PLAYING");
  Run();
  EXPECT_FALSE(Became().contains(2));
  EXPECT_EQ(Coalesced(), 2u);
}

TEST_F(CoalescingTest, AReplayIsNeitherReplacedNorTakesAPlace) {
  BeginWithOneInFlight();
  Take("a", "PLAYING");
  auto replay = std::make_shared<SpoolRow>(*rows[1]);
  replay->seq = ++last_seq;
  replay->replays = 1;
  dispatcher.Place(*route, LaneKey(*replay->event), replay.get(), &batch);
  rows[replay->seq] = replay;
  Commit({replay});
  for (int i = 0; i < 3; ++i) Take("a", "PLAYING");
  Run();
  AnswerAll();
  EXPECT_THAT(Sent(), ElementsAre(1, 2, 3, 4, 5, 7));
}

TEST_F(CoalescingTest, AHeadThatWaitsUntriedIsReplacedAndItsLaneKeepsItsTurn) {
  BeginWithOneInFlight();
  AnswerAll();
  queue().gate[0].Pause("", "", clock.Now());
  const SpoolSeq head = Take("a", "PLAYING");
  Take("b", "PLAYING");
  Run();
  const SpoolRowPtr newer = Row("a", "PLAYING");
  Run();
  EXPECT_FALSE(Became().contains(head));
  Commit({newer});
  Run();
  EXPECT_EQ(Became()[head], Outcome::kCoalesced);
  EXPECT_EQ(queue().rows, 2u);
  queue().gate[0].Resume(clock.Now());
  RunFor(absl::Seconds(1));
  ASSERT_GE(transport.attempts().size(), 3u);
  EXPECT_EQ(transport.attempts()[2].lane_sequence, newer->lane_sequence) << "it was before b's";
  EXPECT_EQ(transport.attempts()[2].coalesced, 1u);
}

// Each comes before the last is committed, and the endpoint takes all at once.
TEST_F(CoalescingTest, AStreamThatNeverPausesStillArrives) {
  transport.Run([](const auto&) { return Answered(200); });
  std::deque<SpoolRowPtr> uncommitted;
  for (int i = 0; i < 1000; ++i) {
    uncommitted.push_back(Row("a", "PLAYING"));
    if (uncommitted.size() < 4) continue;
    Commit({uncommitted.front()});
    uncommitted.pop_front();
    Run();
  }
  EXPECT_GT(transport.attempts().size(), 200u);
}

TEST_F(CoalescingTest, ALaneWhoseTurnComesBeforeItsRowIsCommittedTakesAnother) {
  BeginWithOneInFlight();
  AnswerAll();
  queue().gate[0].Pause("", "", clock.Now());
  Take("a", "PLAYING");
  Run();
  const SpoolRowPtr newer = Row("a", "PLAYING");
  queue().gate[0].Resume(clock.Now());
  clock.Advance(absl::Hours(80));  // a lane without a head is not old
  RunFor(absl::Minutes(2));
  EXPECT_THAT(transport.attempts(), SizeIs(2));
  EXPECT_THAT(outcomes.failures, IsEmpty());
  Commit({newer});
  Run();
  EXPECT_THAT(Sent(), ElementsAre(1, 2, 4));
}

TEST_F(CoalescingTest, ABodyThatIsOnItsWayIsSent) {
  BeginWithOneInFlight();
  const SpoolSeq third = Take("a", "PLAYING");
  transport.Complete(1, Answered(200));
  Turn();
  ASSERT_THAT(spool.wanted, ElementsAre(third));
  for (int i = 0; i < 3; ++i) Take("a", "PLAYING");
  Run();
  AnswerAll();
  EXPECT_THAT(Sent(), ElementsAre(1, 2, 3, 6));
}

TEST_F(CoalescingTest, WhatIsReplacedMakesNothingElseGiveWay) {
  BeginWithOneInFlight();
  route->quota_bytes = 4 * rows[1]->Bytes() + 10;
  for (const char* status : {"PAUSED", "RESIZED"}) Take("b", status);
  std::vector<SpoolRowPtr> burst;
  for (int i = 0; i < 100; ++i) burst.push_back(Row("a", "PLAYING"));
  Commit(burst);
  Run();
  EXPECT_EQ(Coalesced(), 99u);
  EXPECT_EQ(Count("tallybus_events_shed_total"), 0u);
}

TEST_F(CoalescingTest, ALaneWithoutAHeadIsNotShed) {
  BeginWithOneInFlight();
  AnswerAll();
  queue().gate[0].Pause("", "", clock.Now());
  Take("a", "PLAYING");
  Run();
  const SpoolRowPtr newer = Row("a", "PLAYING");
  route->quota_bytes = 1;
  const SpoolSeq shed = Take("b", "PLAYING");
  Run();
  Take("c", "PLAYING");
  Run();
  EXPECT_EQ(Became()[shed], Outcome::kShed);
  EXPECT_FALSE(Became().contains(0));
  EXPECT_FALSE(Became().contains(newer->seq));
}

TEST_F(CoalescingTest, ARowThatCameWhileItWasSwitchedOffIsNotPassed) {
  BeginWithOneInFlight();
  std::vector<SpoolRowPtr> placed = {Row("a", "PLAYING")};
  route->coalesce = false;
  placed.push_back(Row("a", "PAUSED"));
  route->coalesce = true;
  for (int i = 0; i < 3; ++i) placed.push_back(Row("a", "PLAYING"));
  Commit(placed);
  Run();
  AnswerAll();
  EXPECT_THAT(Sent(), ElementsAre(1, 2, 3, 4, 5, 7));
}

TEST_F(CoalescingTest, WithoutTheWishNothingIsReplaced) {
  route->coalesce = false;
  std::vector<SpoolRowPtr> burst;
  for (int i = 0; i < 20; ++i) burst.push_back(Row("a", "PLAYING"));
  Commit(burst);
  Run();
  EXPECT_EQ(queue().rows, 20u);
  EXPECT_EQ(Coalesced(), 0u);
}

TEST(ReplacedTest, RemembersAnOlderRowUntilTheNewerOneIsCommitted) {
  Replaced replaced;
  EXPECT_TRUE(replaced.empty());
  replaced.Hold({.seq = 1, .bytes = 10}, 2, true);
  replaced.Hold({.seq = 2, .bytes = 20}, 3, false);
  EXPECT_FALSE(replaced.TakeOlder(1));
  EXPECT_FALSE(replaced.TakeOutdated(1)) << "it was committed before";
  EXPECT_EQ(replaced.TakeOlder(2)->seq, 1u);
  EXPECT_TRUE(replaced.TakeOutdated(2));
  EXPECT_FALSE(replaced.TakeOlder(2));
  EXPECT_EQ(replaced.TakeOlder(3)->bytes, 20u);
  EXPECT_FALSE(replaced.TakeOutdated(3));
  EXPECT_TRUE(replaced.empty());
}

}  // namespace
}  // namespace tallybus::testing
