// What every spool promises: included by the test of each, which names what it makes.
#ifndef TALLYBUS_TESTS_CORE_SPOOL_SPOOL_CONTRACT_H_
#define TALLYBUS_TESTS_CORE_SPOOL_SPOOL_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tallybus/spool.h"
#include "tests/core/spool/spool_watcher.h"
#include "tests/support/scratch_directory.h"

namespace tallybus::testing {

using MakeSpool = std::function<std::unique_ptr<Spool>(const std::string& directory)>;

class SpoolContract : public ::testing::TestWithParam<MakeSpool> {
 protected:
  SpoolContract() { EXPECT_TRUE(spool->Start(watcher, found).ok()); }
  ~SpoolContract() override { EXPECT_TRUE(spool->Stop().ok()); }

  void Append(std::vector<SpoolRowPtr> rows) {
    spool->Append(BatchOf(std::move(rows)));
    ++appended;
  }
  // Until all that was asked for is done.
  void Finish() {
    Append({});
    ASSERT_TRUE(watcher.UntilBatches(appended));
  }
  std::vector<SpoolSeq> SeqsOf(const StoredFilter& filter) {
    std::vector<SpoolSeq> seqs;
    for (const StoredRow& stored : FindAll(*spool, filter)) seqs.push_back(stored.row->seq);
    return seqs;
  }
  StoredFilter Everything() const {
    StoredFilter filter;
    filter.waiting = filter.dead = filter.delivered = true;
    return filter;
  }

  ScratchDirectory directory;
  SpoolWatcher watcher;
  Found found;
  size_t appended = 0;
  std::unique_ptr<Spool> spool = GetParam()(directory.path() + "/spool");
};

TEST_P(SpoolContract, BeginsEmptyAndHealthy) {
  EXPECT_EQ(found.last, 0u);
  EXPECT_TRUE(found.waiting.empty());
  EXPECT_EQ(spool->UsedBytes(), 0u);
  EXPECT_GT(spool->MaxBytes(), 0u);
  EXPECT_TRUE(spool->Healthy());
}

TEST_P(SpoolContract, TellsOfCommitsInTheOrderOfTheAppends) {
  for (SpoolSeq seq = 1; seq <= 99; seq += 3) Append({Row(seq), Row(seq + 1), Row(seq + 2)});
  ASSERT_TRUE(watcher.UntilBatches(33));
  std::vector<SpoolSeq> all(99);
  for (size_t i = 0; i < all.size(); ++i) all[i] = i + 1;
  EXPECT_EQ(watcher.committed(), all);
}

TEST_P(SpoolContract, LoadsTheVeryRowsThatWereAppended) {
  const SpoolRowPtr one = Row(1), two = Row(2, 7, 5000);
  Append({one, two});
  Finish();
  const SpoolSeq wanted[] = {1, 2};
  spool->Load(wanted);
  ASSERT_TRUE(watcher.UntilLoaded(2));
  const std::vector<SpoolRowPtr> loaded = watcher.TakeLoaded();
  EXPECT_TRUE(SameRow(*loaded[0], *one));
  EXPECT_TRUE(SameRow(*loaded[1], *two));
}

TEST_P(SpoolContract, SettlingGivesTheRoomBackOnce) {
  const SpoolRowPtr one = Row(1), two = Row(2);
  Append({one, two});
  EXPECT_EQ(spool->UsedBytes(), one->Bytes() + two->Bytes());
  Settle(*spool, *one, Settlement::Outcome::kDelivered);
  Settle(*spool, *one, Settlement::Outcome::kDelivered);
  Finish();
  EXPECT_EQ(spool->UsedBytes(), two->Bytes());
  EXPECT_THAT(SeqsOf(Everything()), ::testing::ElementsAre(2));
}

TEST_P(SpoolContract, ForgetsWhatItWasNeverGiven) {
  Settle(*spool, *Row(5), Settlement::Outcome::kGivenUp);
  Finish();
  EXPECT_EQ(spool->UsedBytes(), 0u);
  EXPECT_EQ(spool->DeadLetterBytes(), 0u);
  EXPECT_THAT(SeqsOf(Everything()), ::testing::IsEmpty());
}

TEST_P(SpoolContract, KeepsADeadLetterWithWhatBecameOfIt) {
  const SpoolRowPtr row = Row(1, 4);
  Append({row});
  Settle(*spool, *row, Settlement::Outcome::kRejected);
  Finish();
  EXPECT_EQ(spool->DeadLetterBytes(), row->Bytes());
  EXPECT_EQ(spool->UsedBytes(), row->Bytes());
  const std::vector<StoredRow> stored = FindAll(*spool, Everything());
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].state, StoredRow::State::kDead);
  EXPECT_TRUE(SameRow(*stored[0].row, *row));
  EXPECT_EQ(stored[0].route, "backend");
  EXPECT_EQ(stored[0].lane, "defaultApp/stream-4");
  EXPECT_EQ(stored[0].attempts, 3);
  EXPECT_EQ(stored[0].http_status, 500);
  EXPECT_EQ(stored[0].reason, "Internal Server Error");
  EXPECT_EQ(stored[0].at, row->accepted + absl::Seconds(9));
}

TEST_P(SpoolContract, EachOutcomeLeavesADeadLetterOrNothing) {
  using Outcome = Settlement::Outcome;
  SpoolSeq seq = 0;
  for (Outcome outcome : {Outcome::kGivenUp, Outcome::kDelivered, Outcome::kRejected,
                          Outcome::kFailed, Outcome::kGone, Outcome::kShed, Outcome::kCoalesced}) {
    const SpoolRowPtr row = Row(++seq);
    Append({row});
    Settle(*spool, *row, outcome);
  }
  Finish();
  EXPECT_THAT(SeqsOf(Everything()), ::testing::ElementsAre(1, 3, 5));
}

TEST_P(SpoolContract, ADroppedOrReplayedDeadLetterIsGoneAndCountedOnce) {
  const SpoolRowPtr one = Row(1), two = Row(2), three = Row(3);
  Append({one, two, three});
  for (const auto& row : {one, two, three}) Settle(*spool, *row, Settlement::Outcome::kGivenUp);
  for (int twice = 0; twice < 2; ++twice) {
    Settle(*spool, *one, Settlement::Outcome::kDropped);
    Settle(*spool, *two, Settlement::Outcome::kReplayed);
  }
  Finish();
  EXPECT_THAT(SeqsOf(Everything()), ::testing::ElementsAre(3));
  EXPECT_EQ(spool->DeadLetterBytes(), three->Bytes());
  EXPECT_EQ(spool->UsedBytes(), three->Bytes());
}

TEST_P(SpoolContract, WhatIsSettledIsFoundSoByTheNextSearch) {
  const SpoolRowPtr one = Row(1), two = Row(2), three = Row(3);
  Append({one, two, three});
  StoredFilter dead;
  dead.dead = true;
  for (int times = 0; times < 20; ++times) {  // a transaction may chance to be in time
    const SpoolRowPtr row = Row(10 + times);
    Append({row});
    Settle(*spool, *row, Settlement::Outcome::kGivenUp);
    EXPECT_THAT(SeqsOf(dead), ::testing::ElementsAre(row->seq));
    Settle(*spool, *row, Settlement::Outcome::kDropped);
    EXPECT_THAT(SeqsOf(dead), ::testing::IsEmpty());
  }
}

TEST_P(SpoolContract, ARowTakesADeadLettersPlaceInOneTransaction) {
  const SpoolRowPtr old = Row(1), again = Row(2);
  Append({old});
  Settle(*spool, *old, Settlement::Outcome::kRejected);
  SpoolBatch batch = BatchOf({again});
  batch.settled = {Settled(*old, Settlement::Outcome::kReplayed)};
  EXPECT_FALSE(batch.empty());
  spool->Append(std::move(batch));
  ++appended;
  Finish();
  EXPECT_THAT(SeqsOf(Everything()), ::testing::ElementsAre(2));
  EXPECT_EQ(spool->DeadLetterBytes(), 0u);
  EXPECT_EQ(spool->UsedBytes(), again->Bytes());
}

TEST_P(SpoolContract, APageHoldsNoMoreThanItsLimitAndThePagesHoldAll) {
  std::vector<SpoolSeq> all;
  for (SpoolSeq seq = 1; seq <= 100; ++seq) {
    const SpoolRowPtr row = Row(seq);
    Append({row});
    if (seq % 3 == 0) Settle(*spool, *row, Settlement::Outcome::kGivenUp);
    all.push_back(seq);
  }
  Finish();
  StoredFilter filter = Everything();
  filter.limit = 7;
  EXPECT_EQ(FindPage(*spool, filter).rows.size(), 7u);
  EXPECT_EQ(SeqsOf(filter), all);
}

TEST_P(SpoolContract, FindsByStateAndByLane) {
  const SpoolRowPtr one = Row(1, 1), two = Row(2, 2), three = Row(3, 2);
  Append({one, two, three});
  Settle(*spool, *two, Settlement::Outcome::kGone);
  Finish();
  StoredFilter waiting;
  waiting.waiting = true;
  EXPECT_THAT(SeqsOf(waiting), ::testing::ElementsAre(1, 3));
  waiting.stream = "stream-2";
  EXPECT_THAT(SeqsOf(waiting), ::testing::ElementsAre(3));
  StoredFilter dead;
  dead.dead = true;
  EXPECT_THAT(SeqsOf(dead), ::testing::ElementsAre(2));
  dead.route = "another";
  EXPECT_THAT(SeqsOf(dead), ::testing::IsEmpty());
}

TEST_P(SpoolContract, ADeadLetterFromTheFirstIsListedAndNeverWaits) {
  const SpoolRowPtr row = Row(1);
  SpoolBatch batch;
  Settlement rejected;
  rejected.seq = 1;
  rejected.outcome = Settlement::Outcome::kRejected;
  rejected.reason = "malformed";
  rejected.at = absl::FromUnixSeconds(1'700'000'000);
  rejected.bytes = static_cast<uint32_t>(row->Bytes());
  batch.dead.push_back({row, rejected});
  EXPECT_FALSE(batch.empty());
  spool->Append(std::move(batch));
  ++appended;
  Finish();
  EXPECT_EQ(spool->DeadLetterBytes(), row->Bytes());
  EXPECT_EQ(spool->UsedBytes(), row->Bytes());
  StoredFilter waiting;
  waiting.waiting = true;
  EXPECT_THAT(SeqsOf(waiting), ::testing::IsEmpty());
  const std::vector<StoredRow> all = FindAll(*spool, Everything());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].state, StoredRow::State::kDead);
  EXPECT_EQ(all[0].reason, "malformed");
  EXPECT_EQ(all[0].at, rejected.at);
  EXPECT_TRUE(SameRow(*all[0].row, *row));
  Settlement drop;
  drop.seq = 1;
  drop.outcome = Settlement::Outcome::kDropped;
  drop.bytes = rejected.bytes;
  spool->Settle(std::span(&drop, 1));
  Finish();
  EXPECT_EQ(spool->UsedBytes(), 0u);
  EXPECT_THAT(SeqsOf(Everything()), ::testing::IsEmpty());
}

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CORE_SPOOL_SPOOL_CONTRACT_H_
