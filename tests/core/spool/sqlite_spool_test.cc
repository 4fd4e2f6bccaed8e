// The durable spool: what it has told of is on the disk, and a start finds it in its order.
#include "spool/sqlite_spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/core/spool/durable_spool.h"
#include "tests/core/spool/spool_contract.h"
#include "tests/support/shared_clock.h"

namespace tallybus {
namespace testing {

std::unique_ptr<Spool> OpenInOrder(const std::string& directory, SpoolSync sync) {
  static const SystemClock clock;
  SqliteSpoolOptions options;
  options.directory = directory;
  options.sync = sync;
  options.dead_letter_age = absl::InfiniteDuration();  // the rows are of 2023
  absl::StatusOr<std::unique_ptr<Spool>> spool = OpenSqliteSpool(options, clock);
  EXPECT_TRUE(spool.ok()) << spool.status();
  return *std::move(spool);
}

INSTANTIATE_TEST_SUITE_P(
    Durable, SpoolContract,
    ::testing::Values([](const std::string& at) { return OpenInOrder(at, SpoolSync::kCommit); },
                      [](const std::string& at) { return OpenInOrder(at, SpoolSync::kInterval); },
                      [](const std::string& at) { return OpenInOrder(at, SpoolSync::kOff); }));

}  // namespace testing

namespace {

using testing::BatchOf;
using testing::DurableSpool;
using ::testing::ElementsAre;
using testing::Eventually;
using ::testing::IsEmpty;
using testing::Row;
using testing::Settle;
using Outcome = Settlement::Outcome;

StoredFilter Settled() {
  StoredFilter filter;
  filter.dead = filter.delivered = true;
  return filter;
}

size_t CountSettled(Spool& spool) { return testing::FindAll(spool, Settled()).size(); }

TEST(SqliteSpoolTest, WhatItHasToldOfSurvivesAPowerCut) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1), Row(2, 9)})));
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_THAT(disk.found.Seqs(), ElementsAre(1, 2));
  EXPECT_EQ(disk.found.last, 2u);
  EXPECT_EQ(disk.found.lanes.at(9).last_sequence, 2u);
  EXPECT_EQ(disk.spool->UsedBytes(), Row(1)->Bytes() + Row(2, 9)->Bytes());
}

TEST(SqliteSpoolTest, TellsOfNothingBeforeItsSyncHasReturned) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  disk.vfs.HoldSyncs(true);
  const uint64_t before = disk.vfs.syncs();
  disk.spool->Append(BatchOf({Row(1)}));
  ASSERT_TRUE(Eventually([&] { return disk.vfs.syncs() > before; }));
  EXPECT_EQ(disk.watcher->batches(), 0u);
  disk.vfs.HoldSyncs(false);
  EXPECT_TRUE(disk.watcher->UntilBatches(1));
}

TEST(SqliteSpoolTest, WhatComesDuringASyncSharesTheNextOne) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  disk.vfs.HoldSyncs(true);
  const uint64_t before = disk.vfs.syncs();
  disk.spool->Append(BatchOf({Row(1)}));
  ASSERT_TRUE(Eventually([&] { return disk.vfs.syncs() > before; }));
  for (SpoolSeq seq = 2; seq <= 200; ++seq) disk.spool->Append(BatchOf({Row(seq)}));
  disk.vfs.HoldSyncs(false);
  ASSERT_TRUE(disk.watcher->UntilBatches(200));
  EXPECT_LE(disk.vfs.syncs() - before, 2u);
}

TEST(SqliteSpoolTest, SettlementsReachTheDiskWithoutAnEventAndShareASync) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  SpoolBatch batch;
  for (SpoolSeq seq = 1; seq <= 100; ++seq) batch.rows.push_back(Row(seq));
  const std::vector<SpoolRowPtr> rows = batch.rows;
  ASSERT_TRUE(disk.Commit(BatchOf(rows)));
  const uint64_t before = disk.vfs.syncs();
  for (const SpoolRowPtr& row : rows) Settle(*disk.spool, *row, Outcome::kDelivered);
  ASSERT_TRUE(Eventually([&] { return disk.spool->UsedBytes() == 0; }));
  EXPECT_LE(disk.vfs.syncs() - before, 20u);
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_THAT(disk.found.Seqs(), IsEmpty());
}

TEST(SqliteSpoolTest, LoadsWhatAnEarlierProcessLeft) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  const SpoolRowPtr row = Row(7, 3, 100'000);
  ASSERT_TRUE(disk.Commit(BatchOf({row})));
  ASSERT_TRUE(disk.Stop().ok());
  ASSERT_TRUE(disk.Open().ok());
  const SpoolSeq wanted[] = {7};
  disk.spool->Load(wanted);
  ASSERT_TRUE(disk.watcher->UntilLoaded(1));
  EXPECT_TRUE(testing::SameRow(*disk.watcher->TakeLoaded()[0], *row));
}

TEST(SqliteSpoolTest, ARowThatIsGoneIsAnsweredWithoutItsEvent) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  const SpoolSeq wanted[] = {7};
  disk.spool->Load(wanted);
  ASSERT_TRUE(disk.watcher->UntilLoaded(1));
  const SpoolRowPtr row = disk.watcher->TakeLoaded()[0];
  EXPECT_EQ(row->seq, 7u);
  EXPECT_EQ(row->event, nullptr);
}

TEST(SqliteSpoolTest, EachOneOfARunIsAnsweredAlsoWhereSomeAreGone) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  std::vector<SpoolRowPtr> written;
  for (SpoolSeq seq : {1, 2, 4, 5, 6, 7, 9}) written.push_back(Row(seq));
  ASSERT_TRUE(disk.Commit(BatchOf(written)));
  ASSERT_TRUE(disk.Stop().ok());
  ASSERT_TRUE(disk.Open().ok());
  const SpoolSeq wanted[] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 20, 6};  // one of them twice
  disk.spool->Load(wanted);
  ASSERT_TRUE(disk.watcher->UntilLoaded(std::size(wanted)));
  std::map<SpoolSeq, int> answered;
  for (const SpoolRowPtr& row : disk.watcher->TakeLoaded()) {
    ++answered[row->seq];
    const bool gone = row->seq == 3 || row->seq == 8 || row->seq == 20;
    EXPECT_EQ(row->event == nullptr, gone) << row->seq;
    if (!gone) {
      EXPECT_TRUE(testing::SameRow(*row, *Row(row->seq)));
    }
  }
  for (SpoolSeq seq : wanted) EXPECT_EQ(answered[seq], seq == 6 ? 2 : 1) << seq;
}

TEST(SqliteSpoolTest, SyncOffLosesWhatWasToldAtAPowerCut) {
  DurableSpool disk;
  disk.options.sync = SpoolSync::kOff;
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1)})));
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_THAT(disk.found.Seqs(), IsEmpty());
}

TEST(SqliteSpoolTest, SyncByIntervalLosesOnlyWhatCameSinceTheLastOne) {
  DurableSpool disk;
  disk.options.sync = SpoolSync::kInterval;
  ASSERT_TRUE(disk.Open().ok());
  const uint64_t before = disk.vfs.syncs();
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1)})));
  ASSERT_TRUE(Eventually([&] { return disk.vfs.syncs() > before; }));
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_THAT(disk.found.Seqs(), ElementsAre(1));
  disk.vfs.HoldSyncs(true);
  ASSERT_TRUE(disk.Commit(BatchOf({Row(2)})));
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_THAT(disk.found.Seqs(), ElementsAre(1));
}

TEST(SqliteSpoolTest, StopCommitsWhatWaitsAndTheNextStartIsClean) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  for (SpoolSeq seq = 1; seq <= 500; ++seq) disk.spool->Append(BatchOf({Row(seq, 1, 10'000)}));
  Settle(*disk.spool, *Row(1), Outcome::kDelivered);
  const Progress tried[] = {{.seq = 2, .attempts = 4, .tries = 3, .may_have_arrived = true},
                            {.seq = 3, .own_time = absl::Seconds(7), .reordered = true}};
  disk.spool->Note(tried);
  ASSERT_TRUE(disk.Stop().ok());
  EXPECT_EQ(disk.watcher->committed().size(), 500u);
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_EQ(disk.found.waiting.size(), 499u);
  EXPECT_EQ(disk.found.waiting[0].progress.attempts, 4);
  EXPECT_EQ(disk.found.waiting[0].progress.tries, 3);
  EXPECT_TRUE(disk.found.waiting[0].progress.may_have_arrived);
  EXPECT_EQ(disk.found.waiting[1].progress.own_time, absl::Seconds(7));
  EXPECT_TRUE(disk.found.waiting[1].progress.reordered);
  EXPECT_FALSE(disk.found.waiting[1].progress.may_have_arrived);
}

TEST(SqliteSpoolTest, AfterAnUncleanEndWhateverWaitsMayHaveArrived) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1)})));
  ASSERT_TRUE(disk.Stop().ok());
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_FALSE(disk.found.waiting.at(0).progress.may_have_arrived);
  disk.Crash();  // right after a start that changed nothing
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_TRUE(disk.found.waiting.at(0).progress.may_have_arrived);
}

TEST(SqliteSpoolTest, WhatMayHaveArrivedStaysSoOverCleanEnds) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1)})));
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(2)})));
  ASSERT_TRUE(disk.Stop().ok());
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_THAT(disk.found.Seqs(), ElementsAre(1, 2));
  EXPECT_TRUE(disk.found.waiting[0].progress.may_have_arrived);
  EXPECT_FALSE(disk.found.waiting[1].progress.may_have_arrived);
}

TEST(SqliteSpoolTest, NumbersGoOnAfterThoseOfDeadLetters) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1), Row(40)})));
  Settle(*disk.spool, *Row(40), Outcome::kGivenUp);
  ASSERT_TRUE(disk.Stop().ok());
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_THAT(disk.found.Seqs(), ElementsAre(1));
  EXPECT_EQ(disk.found.last, 40u);
  EXPECT_EQ(disk.spool->DeadLetterBytes(), Row(40)->Bytes());
}

TEST(SqliteSpoolTest, ADeadLetterOfAForgottenLaneIsKept) {
  DurableSpool disk;
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1)})));
  SpoolBatch batch;
  batch.forgotten_lanes = {1};
  ASSERT_TRUE(disk.Commit(std::move(batch)));
  Settle(*disk.spool, *Row(1), Outcome::kGivenUp);
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  EXPECT_EQ(CountSettled(*disk.spool), 1u);
}

TEST(SqliteSpoolTest, KeepsDeliveriesWhereItIsToldToAndForSoLong) {
  testing::SharedClock clock;  // outlives the spool's thread
  DurableSpool disk;
  disk.options.retain = absl::Hours(1);
  ASSERT_TRUE(disk.Open(clock).ok());
  SpoolRow row = *Row(1);
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1), Row(2)})));
  Settlement settled[] = {testing::Settled(row, Outcome::kDelivered),
                          testing::Settled(*Row(2), Outcome::kShed)};
  settled[0].at = settled[1].at = clock.WallNow();
  disk.spool->Settle(settled);
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  ASSERT_EQ(CountSettled(*disk.spool), 1u);
  EXPECT_EQ(testing::FindAll(*disk.spool, Settled())[0].state, StoredRow::State::kDelivered);
  EXPECT_EQ(disk.spool->UsedBytes(), row.Bytes());
  clock.Advance(absl::Minutes(59));
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  EXPECT_EQ(CountSettled(*disk.spool), 1u);
  clock.Advance(absl::Minutes(2));
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  EXPECT_TRUE(Eventually([&] { return disk.spool->UsedBytes() == 0; }));
  EXPECT_EQ(CountSettled(*disk.spool), 0u);
}

TEST(SqliteSpoolTest, WhatWasDeliveredAndIsReplayedGivesItsPlaceToItsNewRow) {
  DurableSpool disk;
  disk.options.retain = absl::Hours(1);
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1)})));
  Settle(*disk.spool, *Row(1), Outcome::kDelivered);
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  ASSERT_EQ(CountSettled(*disk.spool), 1u);
  SpoolBatch replay = BatchOf({Row(2)});
  Settlement old = testing::Settled(*Row(1), Outcome::kReplayed);
  old.was_delivered = true;
  replay.settled.push_back(old);
  ASSERT_TRUE(disk.Commit(std::move(replay)));
  EXPECT_EQ(CountSettled(*disk.spool), 0u);
  EXPECT_EQ(disk.spool->UsedBytes(), Row(2)->Bytes());
  EXPECT_EQ(disk.spool->PendingBytes(), 0u) << "nothing is unwritten";
}

TEST(SqliteSpoolTest, OldDeadLettersGoAllAtOnceHoweverMany) {
  testing::SharedClock clock;  // outlives the spool's thread
  DurableSpool disk;
  disk.options.dead_letter_age = absl::Hours(336);
  ASSERT_TRUE(disk.Open(clock).ok());
  std::vector<SpoolRowPtr> rows;
  std::vector<Settlement> settled;
  for (SpoolSeq seq = 1; seq <= 3500; ++seq) {
    rows.push_back(Row(seq));
    settled.push_back(testing::Settled(*rows.back(), Outcome::kGivenUp));
    settled.back().at = clock.WallNow();
  }
  ASSERT_TRUE(disk.Commit(BatchOf(rows)));
  disk.spool->Settle(settled);
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  ASSERT_EQ(CountSettled(*disk.spool), 3500u);
  clock.Advance(disk.options.dead_letter_age + absl::Minutes(1));
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  EXPECT_TRUE(Eventually([&] { return disk.spool->DeadLetterBytes() == 0; }));
  EXPECT_EQ(CountSettled(*disk.spool), 0u);
}

TEST(SqliteSpoolTest, DeadLettersBeyondTheirSizeGoOldestFirst) {
  DurableSpool disk;
  disk.options.dead_letter_bytes = 3 * Row(1)->Bytes();
  ASSERT_TRUE(disk.Open().ok());
  for (SpoolSeq seq = 1; seq <= 5; ++seq) {
    ASSERT_TRUE(disk.Commit(BatchOf({Row(seq)})));
    Settle(*disk.spool, *Row(seq), Outcome::kRejected);
  }
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  ASSERT_TRUE(
      Eventually([&] { return disk.spool->DeadLetterBytes() <= disk.options.dead_letter_bytes; }));
  const std::vector<StoredRow> dead = testing::FindAll(*disk.spool, Settled());
  ASSERT_EQ(dead.size(), 3u);
  EXPECT_EQ(dead[0].row->seq, 3u);
}

TEST(SqliteSpoolTest, DeliveriesMakeRoomWhereTheSpoolIsHalfFull) {
  DurableSpool disk;
  disk.options.retain = absl::InfiniteDuration();
  disk.options.max_bytes = 10 * Row(1)->Bytes();
  ASSERT_TRUE(disk.Open().ok());
  for (SpoolSeq seq = 1; seq <= 9; ++seq) {
    ASSERT_TRUE(disk.Commit(BatchOf({Row(seq)})));
    Settle(*disk.spool, *Row(seq), Outcome::kDelivered);
  }
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  EXPECT_TRUE(Eventually([&] { return disk.spool->UsedBytes() <= disk.options.max_bytes / 2; }));
  EXPECT_EQ(CountSettled(*disk.spool), 5u);
}

}  // namespace
}  // namespace tallybus
