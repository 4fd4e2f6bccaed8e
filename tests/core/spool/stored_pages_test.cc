// Pages of what is stored: two tables in one order, each page with its bounds.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spool/spool_tables.h"
#include "tests/core/spool/spool_watcher.h"
#include "tests/support/scratch_directory.h"

namespace tallybus {
namespace {

using testing::Row;

class StoredPagesTest : public ::testing::Test {
 protected:
  StoredPagesTest() {
    SqliteSpoolOptions options;
    options.directory = scratch.path();
    file = *SpoolFile::Open(options);
    tables = *SpoolTables::Open(file);
    filter.waiting = filter.dead = true;
  }
  // Every `dead`th of them is a dead letter.
  void Store(SpoolSeq rows, SpoolSeq dead, size_t padding = 0) {
    std::vector<SpoolRowPtr> all;
    for (SpoolSeq seq = 1; seq <= rows; ++seq) all.push_back(Row(seq, 1, padding));
    ASSERT_TRUE(tables.Begin().ok());
    ASSERT_TRUE(tables.Write(testing::BatchOf(all)).ok());
    for (SpoolSeq seq = dead; seq <= rows; seq += dead) {
      const Settlement gone = testing::Settled(*all[seq - 1], Settlement::Outcome::kGone);
      const Settlement* const one[] = {&gone};
      SpoolTables::Settlements done;
      ASSERT_TRUE(tables.Settle(one, false, &done).ok());
    }
    ASSERT_TRUE(tables.Commit().ok());
  }
  // The numbers on all pages, and how many pages there were.
  std::vector<SpoolSeq> Numbers(int* pages) {
    std::vector<SpoolSeq> numbers;
    *pages = 0;
    do {
      absl::StatusOr<StoredPage> page = tables.Find(filter);
      EXPECT_TRUE(page.ok()) << page.status();
      EXPECT_LE(page->rows.size(), filter.limit);
      for (const StoredRow& row : page->rows) numbers.push_back(row.row->seq);
      filter.after = page->next;
      ++*pages;
    } while (filter.after != 0);
    return numbers;
  }

  testing::ScratchDirectory scratch;
  SpoolFile file;
  SpoolTables tables;
  StoredFilter filter;
};

TEST_F(StoredPagesTest, EachRowIsOnOnePageInItsOrder) {
  Store(300, 2);
  filter.limit = 7;
  int pages = 0;
  const std::vector<SpoolSeq> numbers = Numbers(&pages);
  ASSERT_EQ(numbers.size(), 300u);
  for (size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], i + 1);
  EXPECT_GE(pages, 300 / 7);
}

TEST_F(StoredPagesTest, WhereFewFitAPageEndsAfterItsShareOfLooking) {
  Store(2'200, 20'000);
  filter.id = Row(2'199)->event->id.ToString();
  int pages = 0;
  EXPECT_THAT(Numbers(&pages), ::testing::ElementsAre(2'199));
  EXPECT_EQ(pages, 5) << "500 each";
}

TEST_F(StoredPagesTest, LargeRowsMakeSmallPages) {
  Store(40, 100, 1'000'000);
  int pages = 0;
  EXPECT_EQ(Numbers(&pages).size(), 40u);
  EXPECT_EQ(pages, 3);  // of 16 MiB
}

TEST_F(StoredPagesTest, OfADamagedRowNoTextIsShown) {
  Store(1, 1);
  ASSERT_TRUE(file.db().Execute("UPDATE event SET name=CAST(x'ff' AS TEXT)").ok());
  const absl::StatusOr<StoredPage> page = tables.Find(filter);
  ASSERT_EQ(page->rows.size(), 1u);
  EXPECT_EQ(page->rows[0].row->event->name, "");
  EXPECT_EQ(page->rows[0].lane, "defaultApp/stream-1");
}

TEST_F(StoredPagesTest, ADeadLetterAndAWaitingRowWithoutTheirBodiesAreShown) {
  Store(4, 2);
  ASSERT_TRUE(file.db().Execute("DELETE FROM event WHERE seq<3").ok());
  int pages = 0;
  EXPECT_THAT(Numbers(&pages), ::testing::ElementsAre(1, 2, 3, 4));
}

TEST_F(StoredPagesTest, ADamagedRowIsShownWithoutItsMethod) {
  Store(3, 10);
  ASSERT_TRUE(file.db().Execute("UPDATE event SET json='{}' WHERE seq=2").ok());
  const absl::StatusOr<StoredPage> page = tables.Find(filter);
  ASSERT_EQ(page->rows.size(), 3u);
  EXPECT_EQ(page->rows[1].row->event->method, "");
  EXPECT_EQ(page->rows[2].row->event->method, "StreamStatusEvent");
}

}  // namespace
}  // namespace tallybus
