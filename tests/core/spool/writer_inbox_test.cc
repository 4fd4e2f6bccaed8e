// When the writer turns to reads, when to a transaction, and how it stops.
#include "spool/writer_inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/core/spool/spool_watcher.h"

namespace tallybus {
namespace {

using Turn = WriterInbox::Turn;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::BatchOf;
using ::testing::ElementsAre;
using testing::Row;

constexpr milliseconds kLong{20'000};  // a test that waits so long has failed

class WriterInboxTest : public ::testing::Test {
 protected:
  Turn Take() { return inbox.Take(true, kLong, &work); }
  // Of the next Take, in real time.
  milliseconds Took(Turn expected) {
    const auto began = steady_clock::now();
    EXPECT_EQ(Take(), expected);
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
  }
  void Settle(SpoolSeq seq) {
    Settlement settlement;
    settlement.seq = seq;
    inbox.Settle({&settlement, 1});
  }
  SpoolBatch Many(SpoolSeq first) {
    SpoolBatch batch;
    for (size_t i = 0; i < WriterInbox::kManyRows; ++i) batch.rows.push_back(Row(first + i));
    return batch;
  }

  WriterInbox inbox;
  SpoolWork work;
};

TEST_F(WriterInboxTest, EventsAreCommittedAtOnceAndVerdictsWithThem) {
  Settle(7);
  inbox.Append(BatchOf({Row(1)}));
  EXPECT_LT(Took(Turn::kCommits), kLong);
  EXPECT_EQ(work.batches.size(), 1u);
  EXPECT_EQ(work.settled.size(), 1u);
}

TEST_F(WriterInboxTest, VerdictsAloneWaitForTheirWindow) {
  Settle(7);
  EXPECT_GE(Took(Turn::kCommits), WriterInbox::kSettlementWindow - milliseconds(1));
  EXPECT_EQ(work.settled.size(), 1u);
}

TEST_F(WriterInboxTest, ReadsAreServedAtOnceAndMakeNoTransactionOfVerdicts) {
  Settle(7);
  inbox.Load({1, 2}, std::nullopt);
  EXPECT_EQ(Take(), Turn::kReads);
  EXPECT_THAT(work.wanted, ElementsAre(1, 2));
  EXPECT_EQ(work.settled.size(), 1u) << "held for its window";
}

TEST_F(WriterInboxTest, ASearchHasWhatWasAskedBeforeItCommittedFirst) {
  inbox.Find({}, nullptr);
  EXPECT_EQ(Take(), Turn::kReads) << "there is nothing to commit";
  work = {};
  Settle(7);
  inbox.Load({1}, std::nullopt);
  ASSERT_EQ(Take(), Turn::kReads);
  work.wanted.clear();
  inbox.Find({}, nullptr);
  EXPECT_EQ(Take(), Turn::kCommits);
  EXPECT_EQ(work.settled.size(), 1u);
  EXPECT_EQ(work.finds.size(), 1u);
}

TEST_F(WriterInboxTest, VerdictsAreNotPutOffByReadsThatGoOn) {
  Settle(7);
  const auto began = steady_clock::now();
  Turn turn = Turn::kReads;
  while (turn == Turn::kReads && steady_clock::now() - began < kLong) {
    inbox.Load({1}, std::nullopt);
    turn = Take();
    work.wanted.clear();
  }
  EXPECT_EQ(turn, Turn::kCommits);
}

TEST_F(WriterInboxTest, AnEventThatComesEndsTheWindow) {
  Settle(7);
  inbox.Load({1}, std::nullopt);
  ASSERT_EQ(Take(), Turn::kReads);
  work.wanted.clear();
  std::thread other([this] { inbox.Append(BatchOf({Row(1)})); });
  EXPECT_EQ(Take(), Turn::kCommits);
  EXPECT_EQ(work.settled.size() + work.batches.size(), 2u);
  other.join();
}

TEST_F(WriterInboxTest, AfterALargeTransactionTheNextOneGathersFor2Ms) {
  inbox.Append(Many(1));
  ASSERT_EQ(Take(), Turn::kCommits);
  work = {};
  inbox.Append(BatchOf({Row(100)}));
  EXPECT_GE(Took(Turn::kCommits), WriterInbox::kLinger - milliseconds(1));
  work = {};
  inbox.Append(Many(200));
  ASSERT_EQ(Take(), Turn::kCommits);
  work = {};
  SpoolBatch enough = BatchOf({Row(300, 2, WriterInbox::kEnoughBytes)});
  inbox.Append(std::move(enough));
  inbox.Load({1}, std::nullopt);
  EXPECT_EQ(Take(), Turn::kCommits) << "it has enough";
}

TEST_F(WriterInboxTest, ATransactionIsBounded) {
  for (SpoolSeq seq = 1; seq <= 5; ++seq) inbox.Append(BatchOf({Row(seq, 2, 500'000)}));
  EXPECT_EQ(Take(), Turn::kCommits);
  EXPECT_EQ(work.batches.size(), 3u);
  work = {};
  EXPECT_EQ(Take(), Turn::kCommits);
  EXPECT_EQ(work.batches.size(), 2u);
}

TEST_F(WriterInboxTest, AStopComesAfterAllThatWasAsked) {
  Settle(7);
  inbox.Append(BatchOf({Row(1)}));
  inbox.Stop();
  EXPECT_EQ(Take(), Turn::kCommits);
  work = {};
  EXPECT_EQ(Take(), Turn::kStopped);
}

TEST_F(WriterInboxTest, AStoreOutOfOrderIsStoppedWithAllThatIsLeft) {
  for (SpoolSeq seq = 1; seq <= 5; ++seq) inbox.Append(BatchOf({Row(seq, 2, 500'000)}));
  inbox.Load({9}, std::nullopt);
  EXPECT_EQ(inbox.Take(false, kLong, &work), Turn::kCommits);
  EXPECT_EQ(work.batches.size(), 3u);
  inbox.Stop();
  EXPECT_EQ(inbox.Take(false, kLong, &work), Turn::kStopped);
  EXPECT_EQ(work.batches.size(), 5u);
}

TEST_F(WriterInboxTest, WhereNothingIsAskedTheTurnComesAllTheSame) {
  EXPECT_EQ(inbox.Take(true, milliseconds(1), &work), Turn::kReads);
  EXPECT_TRUE(work.empty());
}

}  // namespace
}  // namespace tallybus
