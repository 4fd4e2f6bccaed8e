// What a full disk, a failed sync and damage do to the durable spool, and how it comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "spool/spool_file.h"
#include "tests/core/spool/durable_spool.h"

namespace tallybus {
namespace {

using testing::BatchOf;
using testing::DurableSpool;
using ::testing::ElementsAre;
using testing::Eventually;
using testing::FaultVfs;
using ::testing::HasSubstr;
using testing::Row;
using testing::Settle;
using Outcome = Settlement::Outcome;

constexpr int64_t kReserve = SpoolFile::kReserveBytes;

class SpoolFaultsTest : public ::testing::Test {
 protected:
  std::string Reserve() const { return disk.options.directory + "/spool.reserve"; }
  bool HasReserve() const {
    struct stat reserve;
    return stat(Reserve().c_str(), &reserve) == 0 && reserve.st_size >= kReserve;
  }
  // The disk is as large as what is on it, and the reserve.
  void FillDisk() { disk.vfs.SetCapacity(disk.vfs.used() + kReserve, Reserve()); }
  // Commits so many rows of 50 kB.
  std::vector<SpoolRowPtr> CommitRows(SpoolSeq count) {
    std::vector<SpoolRowPtr> rows;
    for (SpoolSeq seq = 1; seq <= count; ++seq) rows.push_back(Row(seq, 1, 50'000));
    EXPECT_TRUE(disk.Commit(BatchOf(rows)));
    return rows;
  }
  // Commits rows of 20 kB until the disk is full, which is told; returns those that were committed.
  std::vector<SpoolRowPtr> FillWithBacklog() {
    std::vector<SpoolRowPtr> rows;
    for (SpoolSeq seq = 1; disk.watcher->faults().empty() && seq < 5000; ++seq) {
      const size_t before = disk.watcher->batches();
      rows.push_back(Row(seq, 1, 20'000));
      disk.spool->Append(BatchOf({rows.back()}));
      EXPECT_TRUE(Eventually(
          [&] { return disk.watcher->batches() > before || !disk.watcher->faults().empty(); }));
    }
    rows.pop_back();
    return rows;
  }
  // Where the first bytes of a text are in the file of the stopped spool, in bits.
  uint64_t BitOf(const std::string& text) const {
    std::ifstream file(disk.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const size_t at = bytes.find(text);
    EXPECT_NE(at, std::string::npos) << text;
    return at * 8;
  }

  DurableSpool disk;
};

TEST_F(SpoolFaultsTest, ADeadLetterStaysWhereTheRowThatTakesItsPlaceCannotBeWritten) {
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1)})));
  Settle(*disk.spool, *Row(1), Outcome::kRejected);
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  FillDisk();
  SpoolBatch again = BatchOf({Row(2, 2, 100'000)});
  again.settled = {testing::Settled(*Row(1), Outcome::kReplayed)};
  disk.spool->Append(std::move(again));
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  disk.Crash();
  disk.vfs.SetCapacity(disk.vfs.used() + kReserve + (56 << 20));
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_THAT(disk.found.Seqs(), ::testing::IsEmpty());
  StoredFilter dead;
  dead.dead = true;
  EXPECT_EQ(testing::FindAll(*disk.spool, dead).size(), 1u);
}

TEST_F(SpoolFaultsTest, AFullDiskIsToldOnceAndVerdictsAreStillWritten) {
  ASSERT_TRUE(disk.Open().ok());
  const std::vector<SpoolRowPtr> rows = CommitRows(40);
  FillDisk();
  disk.spool->Append(BatchOf({Row(100, 2, 100'000)}));
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  EXPECT_TRUE(absl::IsResourceExhausted(disk.watcher->faults()[0]));
  EXPECT_THAT(std::string(disk.watcher->faults()[0].message()),
              HasSubstr("the disk of " + disk.options.directory + " is full"));
  EXPECT_FALSE(disk.spool->Healthy());
  const size_t before = disk.spool->UsedBytes();
  for (size_t i = 0; i < 20; ++i) Settle(*disk.spool, *rows[i], Outcome::kDelivered);
  ASSERT_TRUE(
      Eventually([&] { return before - disk.spool->UsedBytes() == 20 * rows[0]->Bytes(); }));
  EXPECT_EQ(disk.watcher->faults().size(), 1u);
  EXPECT_FALSE(disk.spool->Healthy());
  EXPECT_EQ(disk.watcher->batches(), 1u);
  disk.Crash();
  disk.vfs.SetCapacity(-1);
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_EQ(disk.found.waiting.size(), 20u);  // the verdicts were on the disk, the event was not
}

TEST_F(SpoolFaultsTest, RoomThatTheLogHoldsIsUsedWithoutAWord) {
  ASSERT_TRUE(disk.Open().ok());
  for (SpoolSeq seq = 1; seq < 40; ++seq) ASSERT_TRUE(disk.Commit(BatchOf({Row(seq, 2, 50'000)})));
  FillDisk();  // most of it is the log, the file is empty yet
  ASSERT_TRUE(disk.Commit(BatchOf({Row(200, 3, 20'000)})));
  EXPECT_TRUE(disk.watcher->faults().empty());
  EXPECT_TRUE(HasReserve());
}

TEST_F(SpoolFaultsTest, ADiskThatIsFullOfItsBacklogTakesMoreWhenThatIsDelivered) {
  ASSERT_TRUE(disk.Open().ok());
  disk.vfs.SetCapacity(kReserve + (16 << 20), Reserve());
  const std::vector<SpoolRowPtr> rows = FillWithBacklog();
  for (const SpoolRowPtr& row : rows) Settle(*disk.spool, *row, Outcome::kDelivered);
  ASSERT_TRUE(disk.watcher->UntilFaults(2));
  EXPECT_TRUE(disk.watcher->faults()[1].ok());
  EXPECT_TRUE(HasReserve());
  EXPECT_LT(disk.vfs.used(), 8 << 20) << "the file keeps what it has no use for";
  for (SpoolSeq seq = 5000; seq < 5100; ++seq) {
    ASSERT_TRUE(disk.Commit(BatchOf({Row(seq, 3, 20'000)})));
  }
  EXPECT_EQ(disk.watcher->faults().size(), 2u);
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_EQ(disk.found.waiting.size(), 101u);  // the one that there was no room for, too
}

TEST_F(SpoolFaultsTest, AfterACrashOnAFullDiskVerdictsNeedNoMoreThanTheReserve) {
  constexpr SpoolSeq kRows = 40'000;
  ASSERT_TRUE(disk.Open().ok());
  for (SpoolSeq seq = 1; seq < kRows;) {
    std::vector<SpoolRowPtr> rows;
    for (int i = 0; i < 1000; ++i) rows.push_back(Row(seq++, 1, 500));
    ASSERT_TRUE(disk.Commit(BatchOf(rows)));
  }
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  FillDisk();
  std::vector<Settlement> settled;  // one of each page, which are 32 MB
  for (SpoolSeq seq = 1; seq <= kRows; seq += 8) {
    settled.push_back(testing::Settled(*Row(seq, 1, 500), Outcome::kDelivered));
  }
  disk.spool->Settle(settled);
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  ASSERT_TRUE(disk.Stop().ok());
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_EQ(disk.found.waiting.size(), kRows - settled.size());
}

TEST_F(SpoolFaultsTest, ASteadyPublisherOnAFullDiskIsToldOfItOnce) {
  ASSERT_TRUE(disk.Open().ok());
  disk.vfs.SetCapacity(kReserve + (16 << 20), Reserve());
  const std::vector<SpoolRowPtr> rows = FillWithBacklog();
  const size_t taken = disk.watcher->batches();
  for (size_t i = 0; i < 8; ++i) {  // room for one, and one more
    const size_t before = disk.spool->UsedBytes();
    disk.spool->Append(BatchOf({Row(6000 + i, 3, 1000)}));
    Settle(*disk.spool, *rows[i], Outcome::kDelivered);
    ASSERT_TRUE(Eventually([&] { return disk.spool->UsedBytes() < before; })) << i;
    if (i == 3) disk.vfs.SetCapacity(kReserve + (17 << 20), Reserve());  // less than the margin
  }
  EXPECT_EQ(disk.watcher->faults().size(), 1u);
  EXPECT_EQ(disk.watcher->batches(), taken);
  disk.vfs.SetCapacity(kReserve + (56 << 20), Reserve());
  ASSERT_TRUE(disk.watcher->UntilFaults(2));
  ASSERT_TRUE(disk.watcher->UntilBatches(taken + 9));
  EXPECT_EQ(disk.watcher->faults().size(), 2u);
}

TEST_F(SpoolFaultsTest, WhileTheDiskIsFullWhatWaitsIsReadAtOnce) {
  constexpr SpoolSeq kRows = 30;
  ASSERT_TRUE(disk.Open().ok());
  CommitRows(kRows);
  ASSERT_TRUE(disk.Stop().ok());
  ASSERT_TRUE(disk.Open().ok());
  FillDisk();
  for (SpoolSeq seq = 100; seq < 105; ++seq) disk.spool->Append(BatchOf({Row(seq, 2, 1'000'000)}));
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  const MonoTime began = disk.clock.Now();
  for (SpoolSeq seq = 1; seq <= kRows; ++seq) {
    disk.spool->Load({&seq, 1});
    ASSERT_TRUE(disk.watcher->UntilLoaded(seq));
  }
  // Not one at each look at the disk, which is twice a second.
  EXPECT_LT(disk.clock.Now() - began, absl::Milliseconds(500) * (kRows * 2 / 3));
}

TEST_F(SpoolFaultsTest, AStopEndsThoughMoreThanATransactionWaitsForTheFullDisk) {
  ASSERT_TRUE(disk.Open().ok());
  const std::vector<SpoolRowPtr> rows = CommitRows(2);
  FillDisk();
  for (SpoolSeq seq = 100; seq < 105; ++seq) {
    disk.spool->Append(BatchOf({Row(seq, 2, 4'000'000)}));
  }
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  Settle(*disk.spool, *rows[0], Outcome::kDelivered);
  EXPECT_FALSE(disk.Stop().ok());
  disk.vfs.SetCapacity(-1);
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_EQ(disk.found.waiting.size(), 1u);  // its verdict was written
}

TEST_F(SpoolFaultsTest, WhenSpaceReturnsItGoesOnByItself) {
  ASSERT_TRUE(disk.Open().ok());
  CommitRows(10);
  FillDisk();
  disk.spool->Append(BatchOf({Row(100, 2, 100'000)}));
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  disk.vfs.SetCapacity(-1);
  ASSERT_TRUE(disk.watcher->UntilFaults(2));
  EXPECT_TRUE(disk.watcher->faults()[1].ok());
  EXPECT_TRUE(disk.spool->Healthy());
  EXPECT_TRUE(HasReserve());
  EXPECT_TRUE(disk.watcher->UntilBatches(2));
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_EQ(disk.found.waiting.size(), 11u);
}

TEST_F(SpoolFaultsTest, AFaultThatLeavesNothingToWriteIsRecoveredFrom) {
  ASSERT_TRUE(disk.Open().ok());
  const std::vector<SpoolRowPtr> rows = CommitRows(1);
  disk.vfs.FailSyncs(true);
  Settle(*disk.spool, *rows[0], Outcome::kDelivered);
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  disk.vfs.FailSyncs(false);
  ASSERT_TRUE(disk.watcher->UntilFaults(2));
  EXPECT_TRUE(disk.watcher->faults()[1].ok());
  EXPECT_TRUE(disk.spool->Healthy());
  EXPECT_EQ(disk.spool->UsedBytes(), 0u);
}

TEST_F(SpoolFaultsTest, AFailedSyncIsNotACommitAndNothingIsLostAfterIt) {
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1)})));
  disk.vfs.FailSyncs(true);
  disk.spool->Append(BatchOf({Row(2)}));
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  EXPECT_TRUE(absl::IsUnavailable(disk.watcher->faults()[0])) << disk.watcher->faults()[0];
  EXPECT_FALSE(disk.spool->Healthy());
  EXPECT_THAT(disk.watcher->committed(), ElementsAre(1));
  disk.vfs.FailSyncs(false);
  ASSERT_TRUE(disk.watcher->UntilBatches(2));
  ASSERT_TRUE(disk.watcher->UntilFaults(2));
  ASSERT_TRUE(disk.Commit(BatchOf({Row(3)})));
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_THAT(disk.found.Seqs(), ElementsAre(1, 2, 3));
}

// The kernel forgets what a failed sync was for, and the next one returns well all the same.
TEST_F(SpoolFaultsTest, AFailedSyncByIntervalIsToldOnceAndWhatCameBeforeItIsWrittenAgain) {
  disk.options.sync = SpoolSync::kInterval;
  ASSERT_TRUE(disk.Open().ok());
  disk.vfs.FailSyncs(true);
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1)})));
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  const uint64_t failed = disk.vfs.syncs();
  ASSERT_TRUE(Eventually([&] { return disk.vfs.syncs() > failed; }));  // it tried again
  EXPECT_EQ(disk.watcher->faults().size(), 1u);
  disk.vfs.FailSyncs(false);
  ASSERT_TRUE(disk.watcher->UntilFaults(2));
  EXPECT_TRUE(disk.watcher->faults()[1].ok());
  disk.Crash();
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_THAT(disk.found.Seqs(), ElementsAre(1));
}

TEST_F(SpoolFaultsTest, StopTriesOnceMore) {
  ASSERT_TRUE(disk.Open().ok());
  disk.vfs.FailSyncs(true);
  disk.spool->Append(BatchOf({Row(1)}));
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  disk.vfs.FailSyncs(false);
  ASSERT_TRUE(disk.Stop().ok());
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_THAT(disk.found.Seqs(), ElementsAre(1));
}

TEST_F(SpoolFaultsTest, AStopThatCannotWriteSaysSoAndTheNextStartIsUnclean) {
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Commit(BatchOf({Row(1)})));
  disk.vfs.FailSyncs(true);
  disk.spool->Append(BatchOf({Row(2)}));
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  EXPECT_FALSE(disk.spool->Stop().ok());
  disk.Crash();
  disk.vfs.FailSyncs(false);
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_THAT(disk.found.Seqs(), ElementsAre(1));
  EXPECT_TRUE(disk.found.waiting[0].progress.may_have_arrived);
}

TEST_F(SpoolFaultsTest, AStartOnAFullDiskUsesTheReserve) {
  ASSERT_TRUE(disk.Open().ok());
  CommitRows(5);
  ASSERT_TRUE(disk.Stop().ok());
  const auto size = static_cast<int64_t>(std::filesystem::file_size(disk.path()));
  disk.vfs.SetCapacity(size + kReserve, Reserve());
  ASSERT_TRUE(disk.Open().ok()) << "with the reserve given up there is room for the start";
  EXPECT_EQ(disk.found.waiting.size(), 5u);
}

TEST_F(SpoolFaultsTest, ADamagedRowComesWithoutItsEventAndOthersAsTheyWere) {
  ASSERT_TRUE(disk.Open().ok());
  SpoolRow marked = *Row(2);
  Event event = *marked.event;
  event.json = R"({"mark":"find me here"})";
  marked.event = std::make_shared<Event>(event);
  ASSERT_TRUE(
      disk.Commit(BatchOf({Row(1), std::make_shared<SpoolRow>(marked), Row(3), Row(4), Row(6)})));
  ASSERT_TRUE(disk.Stop().ok());
  ASSERT_TRUE(FaultVfs::FlipBit(disk.path(), BitOf("find me here") + 3));
  ASSERT_TRUE(disk.Open().ok());
  const SpoolSeq wanted[] = {1, 2, 3, 4, 6};  // a run, and one by itself
  disk.spool->Load(wanted);
  ASSERT_TRUE(disk.watcher->UntilLoaded(5));
  const std::vector<SpoolRowPtr> loaded = disk.watcher->TakeLoaded();
  EXPECT_TRUE(testing::SameRow(*loaded[0], *Row(1)));
  EXPECT_EQ(loaded[1]->seq, 2u);
  EXPECT_EQ(loaded[1]->event, nullptr);
  EXPECT_TRUE(testing::SameRow(*loaded[2], *Row(3)));
  EXPECT_TRUE(testing::SameRow(*loaded[3], *Row(4)));
  EXPECT_TRUE(testing::SameRow(*loaded[4], *Row(6)));
  EXPECT_TRUE(disk.watcher->faults().empty());  // it can take more all the same
  Settle(*disk.spool, marked, Outcome::kGivenUp);
  ASSERT_TRUE(disk.Commit(BatchOf({})));
  StoredFilter dead;
  dead.dead = true;
  const std::vector<StoredRow> stored = testing::FindAll(*disk.spool, dead);
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].row->seq, 2u);
  EXPECT_EQ(stored[0].row->event->method, "");
}

TEST_F(SpoolFaultsTest, TornWritesAreNotTakenForCommits) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    DurableSpool torn(FaultVfs::Unsynced::kTorn, seed);
    ASSERT_TRUE(torn.Open().ok());
    SpoolSeq seq = 0;
    torn.vfs.CrashAfter(20 + seed * 7);
    while (!torn.vfs.crashed()) {
      ++seq;
      ASSERT_TRUE(torn.Commit(BatchOf({Row(2 * seq - 1, 1, 9000), Row(2 * seq, 2, 300)})));
    }
    torn.Crash();
    ASSERT_TRUE(torn.Open().ok()) << "seed " << seed;
    const size_t found = torn.found.waiting.size();
    EXPECT_GE(found, 2 * (seq - 1)) << "seed " << seed;
    EXPECT_EQ(found % 2, 0u) << "half a batch, seed " << seed;
  }
}

TEST_F(SpoolFaultsTest, ARowThatCannotBeReadIsTheStoresFaultAndIsReadWhenItCanBe) {
  ASSERT_TRUE(disk.Open().ok());
  const std::vector<SpoolRowPtr> rows = CommitRows(3);
  ASSERT_TRUE(disk.Stop().ok());
  ASSERT_TRUE(disk.Open().ok());
  disk.vfs.FailReads(true);
  const SpoolSeq wanted[] = {1};
  disk.spool->Load(wanted);
  ASSERT_TRUE(disk.watcher->UntilFaults(1));
  EXPECT_TRUE(absl::IsUnavailable(disk.watcher->faults()[0]));
  EXPECT_FALSE(disk.spool->Healthy());
  EXPECT_TRUE(disk.watcher->TakeLoaded().empty());
  disk.vfs.FailReads(false);
  ASSERT_TRUE(disk.watcher->UntilLoaded(1));
  EXPECT_TRUE(testing::SameRow(*disk.watcher->TakeLoaded()[0], *rows[0]));
  ASSERT_TRUE(disk.watcher->UntilFaults(2));
  EXPECT_TRUE(disk.watcher->faults()[1].ok());
  EXPECT_TRUE(disk.spool->Healthy());
}

}  // namespace
}  // namespace tallybus
