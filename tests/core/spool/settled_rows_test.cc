// What is settled in ranges is what would be settled one by one.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

#include "spool/spool_tables.h"
#include "tests/core/spool/spool_watcher.h"
#include "tests/support/scratch_directory.h"

namespace tallybus {
namespace {

using testing::BatchOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Row;
using ::testing::UnorderedElementsAre;
using Outcome = Settlement::Outcome;

class SettledRowsTest : public ::testing::Test {
 protected:
  SettledRowsTest() {
    SqliteSpoolOptions options;
    options.directory = scratch.path();
    file = *SpoolFile::Open(options);
    tables = *SpoolTables::Open(file);
  }
  void WriteUpTo(SpoolSeq last) {
    std::vector<SpoolRowPtr> rows;
    for (SpoolSeq seq = 1; seq <= last; ++seq) rows.push_back(Row(seq));
    ASSERT_TRUE(tables.Begin().ok());
    ASSERT_TRUE(tables.Write(BatchOf(rows)).ok());
    ASSERT_TRUE(tables.Commit().ok());
  }
  struct What {
    SpoolSeq seq;
    Outcome outcome = Outcome::kDelivered;
  };
  // The numbers of those that changed something.
  std::vector<SpoolSeq> Settle(const std::vector<What>& settled, bool retain = false) {
    std::vector<Settlement> settlements;
    for (const What& what : settled) {
      settlements.push_back(testing::Settled(*Row(what.seq), what.outcome));
    }
    std::vector<const Settlement*> given;
    for (const Settlement& settlement : settlements) given.push_back(&settlement);
    SpoolTables::Settlements done;
    EXPECT_TRUE(tables.Begin().ok());
    EXPECT_TRUE(tables.Settle(given, retain, &done).ok());
    EXPECT_TRUE(tables.Commit().ok());
    std::vector<SpoolSeq> seqs;
    for (const Settlement* settlement : done) seqs.push_back(settlement->seq);
    return seqs;
  }
  std::vector<SpoolSeq> Waiting() {
    testing::Found found;
    EXPECT_TRUE(tables.ReadAll(false, found).ok());
    return found.Seqs();
  }
  bool HasBody(SpoolSeq seq) { return *tables.Load(seq) != nullptr; }

  testing::ScratchDirectory scratch;
  SpoolFile file;
  SpoolTables tables;
};

TEST_F(SettledRowsTest, ARunGoesWhole) {
  WriteUpTo(10);
  EXPECT_THAT(Settle({{5}, {3}, {4}, {7}, {6}}), UnorderedElementsAre(3, 4, 5, 6, 7));
  EXPECT_THAT(Waiting(), ElementsAre(1, 2, 8, 9, 10));
  EXPECT_FALSE(HasBody(5));
  EXPECT_TRUE(HasBody(8));
}

TEST_F(SettledRowsTest, WhatLiesBetweenTwoRunsStays) {
  WriteUpTo(12);
  Settle({{1}, {2}, {3}, {4}, {6}, {7}, {8}, {9}, {12}});
  EXPECT_THAT(Waiting(), ElementsAre(5, 10, 11));
}

TEST_F(SettledRowsTest, OneThatIsGoneAlreadyIsNotDoneAgain) {
  WriteUpTo(6);
  EXPECT_THAT(Settle({{3}}), ElementsAre(3));
  EXPECT_THAT(Settle({{1}, {2}, {3}, {4}, {5}}), UnorderedElementsAre(1, 2, 4, 5));
  EXPECT_THAT(Waiting(), ElementsAre(6));
}

TEST_F(SettledRowsTest, OneThatIsNamedTwiceIsDoneOnce) {
  WriteUpTo(6);
  EXPECT_THAT(Settle({{1}, {2}, {3}, {3}, {4}, {5}}), UnorderedElementsAre(1, 2, 3, 4, 5));
}

TEST_F(SettledRowsTest, ADeadLetterInTheMiddleOfARunKeepsItsBody) {
  WriteUpTo(6);
  EXPECT_THAT(Settle({{1}, {2}, {3, Outcome::kGivenUp}, {4}, {5}}),
              UnorderedElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(Waiting(), ElementsAre(6));
  EXPECT_TRUE(HasBody(3));
  EXPECT_FALSE(HasBody(4));
  EXPECT_THAT(Settle({{3, Outcome::kDropped}}), ElementsAre(3));
  EXPECT_FALSE(HasBody(3));
}

TEST_F(SettledRowsTest, ADeadLetterIsNoPartOfARunThatComesLater) {
  WriteUpTo(6);
  Settle({{3, Outcome::kGivenUp}});
  EXPECT_THAT(Settle({{1}, {2}, {4}, {5}, {6}, {3, Outcome::kReplayed}}),
              UnorderedElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_FALSE(HasBody(3));
}

TEST_F(SettledRowsTest, DeliveriesThatAreRetainedKeepTheirBodies) {
  WriteUpTo(5);
  EXPECT_THAT(Settle({{1}, {2}, {3}, {4}, {5}}, true), UnorderedElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_TRUE(HasBody(3));
}

TEST_F(SettledRowsTest, AnyOrderOfSettlementsLeavesWhatWasNotSettled) {
  constexpr SpoolSeq kRows = 300;
  WriteUpTo(kRows);
  std::mt19937 random(7);
  std::set<SpoolSeq> left;
  for (SpoolSeq seq = 1; seq <= kRows; ++seq) left.insert(seq);
  for (int round = 0; round < 20; ++round) {
    std::vector<What> settled;
    SpoolSeq at = 1 + random() % kRows;
    for (uint32_t i = 0; i < 5 + random() % 20; ++i) {
      settled.push_back({at});
      at = random() % 4 == 0 ? 1 + random() % kRows : at % kRows + 1;
    }
    std::set<SpoolSeq> expected;
    for (const What& what : settled) {
      if (left.erase(what.seq) > 0) expected.insert(what.seq);
    }
    const std::vector<SpoolSeq> done = Settle(settled);
    EXPECT_THAT(done, ::testing::UnorderedElementsAreArray(expected)) << round;
  }
  EXPECT_THAT(Waiting(), ::testing::ElementsAreArray(left));
}

}  // namespace
}  // namespace tallybus
