// What a start makes of tables in which a bit has flipped.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spool/spool_tables.h"
#include "tests/core/spool/spool_watcher.h"
#include "tests/support/scratch_directory.h"

namespace tallybus {
namespace {

using testing::BatchOf;
using ::testing::ElementsAre;
using testing::Found;
using ::testing::IsEmpty;
using testing::Row;

class FirstReadTest : public ::testing::Test {
 protected:
  FirstReadTest() {
    SqliteSpoolOptions options;
    options.directory = scratch.path();
    file = *SpoolFile::Open(options);
    tables = *SpoolTables::Open(file);
    Write(BatchOf({Row(1), Row(2, 2), Row(3), Row(4, 2)}));
  }
  void Write(const SpoolBatch& batch) {
    ASSERT_TRUE(tables.Begin().ok());
    ASSERT_TRUE(tables.Write(batch).ok());
    ASSERT_TRUE(tables.Commit().ok());
  }
  void NoteThatItWasTried(SpoolSeq seq) {
    Progress progress;
    progress.seq = seq;
    progress.attempts = progress.tries = 3;
    progress.own_time = absl::Seconds(2);
    progress.due = absl::FromUnixSeconds(1'700'000'100);
    ASSERT_TRUE(tables.Note(progress).ok());
  }
  void Change(const std::string& sql) { ASSERT_TRUE(file.db().Execute(sql).ok()) << sql; }
  // Of one column the bit; SQLite has no exclusive or.
  void Flip(const std::string& table, const std::string& column, const std::string& id, int bit) {
    Change(absl::StrCat("UPDATE ", table, " SET ", column, "=(", column, " | (1<<", bit, ")) - (",
                        column, " & (1<<", bit, ")) WHERE ", id));
  }
  Found ReadAll() {
    Found found;
    const auto sizes = tables.ReadAll(false, found);
    EXPECT_TRUE(sizes.ok()) << sizes.status();
    waiting_bytes = sizes.ok() ? sizes->waiting : 0;
    return found;
  }
  static size_t AllBytes() {
    return Row(1)->Bytes() + Row(2, 2)->Bytes() + Row(3)->Bytes() + Row(4, 2)->Bytes();
  }

  testing::ScratchDirectory scratch;
  SpoolFile file;
  SpoolTables tables;
  size_t waiting_bytes = 0;
};

TEST_F(FirstReadTest, ARowThatABitWasFlippedInIsReadFromItsBody) {
  for (const char* column : {"lane", "bytes", "terminal", "accepted_us", "marks"}) {
    for (int bit : {0, 1, 7, 8, 31, 40, 62, 63}) {
      SCOPED_TRACE(absl::StrCat(column, " ", bit));
      Flip("queue", column, "seq=3", bit);
      const Found found = ReadAll();
      ASSERT_THAT(found.Seqs(), ElementsAre(1, 2, 3, 4)) << "in order";
      const WaitingRow& mended = found.waiting[2];
      EXPECT_EQ(mended.lane, 1u);
      EXPECT_EQ(mended.bytes, Row(3)->Bytes());
      EXPECT_FALSE(mended.terminal);
      EXPECT_EQ(mended.accepted, Row(3)->accepted);
      EXPECT_TRUE(mended.progress.may_have_arrived);
      EXPECT_FALSE(mended.progress.reordered);
      EXPECT_EQ(waiting_bytes, AllBytes());
      EXPECT_FALSE(found.waiting[0].progress.may_have_arrived);
    }
  }
}

TEST_F(FirstReadTest, WhatIsKnownOfItsTryingIsForgottenWhereABitOfItFlipped) {
  NoteThatItWasTried(2);
  ASSERT_EQ(ReadAll().waiting[1].progress.attempts, 3);
  for (const char* column : {"attempts", "tries", "own_us", "due_us", "marks"}) {
    for (int bit : {0, 2, 9, 25, 44, 61}) {
      if (bit > 30 && *column != 'o' && *column != 'd' && *column != 'm') continue;  // an int
      SCOPED_TRACE(absl::StrCat(column, " ", bit));
      NoteThatItWasTried(2);
      Flip("queue", column, "seq=2", bit);
      const Found found = ReadAll();
      ASSERT_THAT(found.Seqs(), ElementsAre(1, 2, 3, 4));
      const Progress& progress = found.waiting[1].progress;
      EXPECT_EQ(progress.attempts, 0);
      EXPECT_EQ(progress.due, absl::InfinitePast());
      EXPECT_TRUE(progress.may_have_arrived);
    }
  }
}

TEST_F(FirstReadTest, ManyDamagedRowsAreMendedAtOnce) {
  Change("UPDATE queue SET bytes=bytes+1");
  EXPECT_THAT(ReadAll().Seqs(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(waiting_bytes, AllBytes());
}

TEST_F(FirstReadTest, ADamagedRowWithoutABodyKeepsItsPlaceAndCountsForNothing) {
  Flip("queue", "bytes", "seq=3", 31);
  Change("UPDATE event SET json='{}' WHERE seq=3");
  const Found found = ReadAll();
  ASSERT_THAT(found.Seqs(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(found.waiting[2].lane, 1u);
  EXPECT_EQ(found.waiting[2].bytes, 0u);
  EXPECT_EQ(waiting_bytes, AllBytes() - Row(3)->Bytes());
}

TEST_F(FirstReadTest, ABodyWhoseRowHasTheNumberOfNoneWaitsAgain) {
  Change("UPDATE queue SET seq=12 WHERE seq=4");
  const Found found = ReadAll();
  ASSERT_THAT(found.Seqs(), ElementsAre(1, 2, 3, 4, 12));
  EXPECT_EQ(found.waiting[3].lane, 2u);
}

TEST_F(FirstReadTest, WhatAnOlderVersionWroteIsTakenAsItIs) {
  NoteThatItWasTried(2);
  Change("UPDATE queue SET marks=marks & 7; UPDATE lane SET ended=ended & 1");
  const Found found = ReadAll();
  ASSERT_THAT(found.Seqs(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(found.waiting[1].progress.attempts, 3);
  EXPECT_FALSE(found.waiting[0].progress.may_have_arrived);
  EXPECT_EQ(found.lanes.size(), 2u);
}

TEST_F(FirstReadTest, ALaneThatABitWasFlippedInIsForgotten) {
  const struct {
    const char* change;
  } flips[] = {{"UPDATE lane SET key='defaultApp/stream-3' WHERE id=2"},
               {"UPDATE lane SET route='cackend' WHERE id=2"},
               {"UPDATE lane SET last_sequence=last_sequence+8 WHERE id=2"},
               {"UPDATE lane SET ended=ended+1 WHERE id=2"},
               {"UPDATE lane SET id=6 WHERE id=2"}};
  for (const auto& flip : flips) {
    SCOPED_TRACE(flip.change);
    Change(flip.change);
    Found found = ReadAll();
    EXPECT_EQ(found.lanes.size(), 1u);
    EXPECT_EQ(found.lanes.count(1), 1u);
    EXPECT_THAT(found.Seqs(), ElementsAre(1, 2, 3, 4)) << "2 and 4 are strays";
    SpoolBatch again;
    again.lanes = {testing::LaneOf(*Row(4, 2))};
    Write(again);
    EXPECT_EQ(ReadAll().lanes.at(2).key, "defaultApp/stream-2") << "nothing is left of it";
  }
}

TEST_F(FirstReadTest, WhereMoreIsDamagedThanATurnMendsAllIsMended) {
  std::vector<SpoolRowPtr> rows;
  for (SpoolSeq seq = 5; seq <= 2500; ++seq) rows.push_back(Row(seq));
  Write(BatchOf(rows));
  Change("UPDATE queue SET bytes=bytes+1");
  const std::vector<SpoolSeq> seqs = ReadAll().Seqs();
  ASSERT_EQ(seqs.size(), 2500u);
  for (size_t i = 0; i < seqs.size(); ++i) EXPECT_EQ(seqs[i], i + 1);
}

}  // namespace
}  // namespace tallybus
