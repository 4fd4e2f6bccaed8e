// What comes in: what it takes the place of, and what must make room for it.
#include "tests/core/delivery/dispatcher_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using Outcome = Settlement::Outcome;

class PlacingTest : public DispatcherBench {};

TEST_F(PlacingTest, OverItsQuotaARouteShedsItsOldestThatAreNotTerminal) {
  Take("a", "PUBLISHING");
  Turn();
  const size_t one = rows[1]->Bytes();
  route->quota_bytes = 5 * one + one / 2;
  const SpoolSeq stop = Take("a", "STOPPED");
  const SpoolSeq oldest = Take("b", "PLAYING"), old = Take("b", "PLAYING");
  Take("b", "PLAYING");
  const SpoolSeq older_of_a = Take("a", "PLAYING");
  for (int i = 0; i < 2; ++i) Take("b", "PLAYING");
  Run();
  EXPECT_THAT(Became(), ElementsAre(Pair(old, Outcome::kShed), Pair(old + 1, Outcome::kShed),
                                    Pair(older_of_a, Outcome::kShed)));
  EXPECT_FALSE(Became().contains(stop));
  EXPECT_FALSE(Became().contains(oldest)) << "its lane's head is already on its way";
  EXPECT_LE(queue().bytes, route->quota_bytes);
  EXPECT_TRUE(queue().over_quota);
  EXPECT_THAT(outcomes.endpoints, ElementsAre(route->name)) << "told once";
  EXPECT_FALSE(dispatcher.Blocks());
}

TEST_F(PlacingTest, WhatAnOperatorAskedForAgainNeitherShedsNorIsShed) {
  Take("a", "PUBLISHING");
  Turn();
  const size_t one = rows[1]->Bytes();
  route->quota_bytes = 4 * one;
  const auto again = [this](const std::string& name) {
    auto row = std::make_shared<SpoolRow>(*rows[1]);
    row->seq = ++last_seq;
    row->replays = 1;
    dispatcher.Place(*route, name, row.get(), &batch);
    rows[row->seq] = row;
    dispatcher.Enqueue(row);
    return row->seq;
  };
  const SpoolSeq behind = again("a"), head = again("b");
  for (int i = 0; i < 2; ++i) Take("a", "PLAYING");
  for (int i = 0; i < 9; ++i) again("a");
  Run();
  EXPECT_THAT(Became(), IsEmpty()) << "the quota counts what came by itself";
  for (int i = 0; i < 20; ++i) Take("a", "PLAYING");
  Run();
  EXPECT_FALSE(Became().empty());
  EXPECT_FALSE(Became().contains(behind));
  EXPECT_FALSE(Became().contains(head));
  transport.Run([](const auto&) { return Answered(200); });
  for (size_t i = 0; i < transport.attempts().size(); ++i) {
    if (transport.attempts()[i].open) transport.Complete(i, Answered(200));
  }
  RunFor(absl::Seconds(10));
  EXPECT_EQ(transport.open(), 0u);
  EXPECT_EQ(queue().replayed_bytes, 0u);
  EXPECT_EQ(queue().bytes, 0u);
}

TEST_F(PlacingTest, TerminalEventsAreNeverShed) {
  Take("a", "PUBLISHING");
  Turn();
  route->quota_bytes = 1;
  for (int i = 0; i < 100; ++i) Take("a", "UNPUBLISHED");
  Run();
  EXPECT_THAT(Became(), IsEmpty());
  EXPECT_EQ(queue().rows, 101u);
}

TEST_F(PlacingTest, ARouteThatBlocksShedsNothingAndSaysSoUntilThereIsRoom) {
  Take("a", "PUBLISHING");
  Turn();
  route->quota_bytes = 3 * rows[1]->Bytes();
  route->block_when_full = true;
  for (int i = 0; i < 4; ++i) Take("a", "PLAYING");
  EXPECT_TRUE(dispatcher.Blocks());
  RemoveRoute(route->name);
  EXPECT_FALSE(dispatcher.Blocks()) << "it is nobody's any more";
  SetRoute(route);
  clock.Advance(absl::Seconds(1));
  Run();
  EXPECT_TRUE(dispatcher.Blocks());
  EXPECT_THAT(Became(), IsEmpty());
  transport.Run([](const auto&) { return Answered(200); });
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_FALSE(dispatcher.Blocks()) << "at once: engines wait for it";
  EXPECT_THAT(outcomes.endpoints, SizeIs(1)) << "it is not told more than once a second";
  clock.Advance(absl::Seconds(1));
  Run();
  EXPECT_THAT(outcomes.endpoints, SizeIs(2));
}

// Each stream's only event is its lane's head.
TEST_F(PlacingTest, WhereEveryLaneHoldsOneEventTheHeadsThatWaitAreShed) {
  Take("first", "PLAYING");
  Turn();
  queue().gate[0].Pause("", "", clock.Now());
  route->quota_bytes = 4 * rows[1]->Bytes() + 100;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) Take(name, "PLAYING");
  Take("g", "STOPPED");
  Run();
  EXPECT_THAT(Became(), Contains(Pair(2, Outcome::kShed)));
  EXPECT_FALSE(Became().contains(8)) << "an end stays";
  EXPECT_FALSE(Became().contains(1)) << "it is on its way";
  EXPECT_LE(queue().bytes, route->quota_bytes);
}

}  // namespace
}  // namespace tallybus::testing
