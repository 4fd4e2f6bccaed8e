// The rows that were accepted last: found until they are forgotten or there is no room.
#include "spool/recent_rows.h"

#include <gtest/gtest.h>

#include "tests/core/spool/spool_watcher.h"

namespace tallybus {
namespace {

using testing::Row;

TEST(RecentRowsTest, FindsWhatWasAddedUntilItIsForgotten) {
  RecentRows rows(100'000);
  const SpoolRowPtr row = Row(1);
  rows.Add(row);
  EXPECT_EQ(rows.Find(1).row, row);
  EXPECT_EQ(rows.Find(2).row, nullptr);
  rows.Forget(1);
  rows.Forget(1);
  EXPECT_EQ(rows.Find(1).row, nullptr);
}

TEST(RecentRowsTest, TellsWhatWasReadAhead) {
  RecentRows rows(100'000);
  rows.Add(Row(1));
  rows.AddAhead(Row(1));
  rows.AddAhead(Row(2));
  EXPECT_FALSE(rows.Find(1).ahead) << "it was here";
  EXPECT_TRUE(rows.Find(2).ahead);
  EXPECT_FALSE(rows.Find(3).ahead);
}

TEST(RecentRowsTest, TheOldestGoWhereThereIsNoRoom) {
  const size_t one = Row(10)->Bytes();
  RecentRows rows(3 * one);
  for (SpoolSeq seq = 10; seq < 15; ++seq) rows.Add(Row(seq));
  EXPECT_EQ(rows.Find(11).row, nullptr);
  for (SpoolSeq seq : {12, 13, 14}) EXPECT_NE(rows.Find(seq).row, nullptr) << seq;
}

TEST(RecentRowsTest, WhatWasForgottenMakesRoom) {
  const size_t one = Row(10)->Bytes();
  RecentRows rows(3 * one);
  for (SpoolSeq seq : {10, 11, 12}) rows.Add(Row(seq));
  rows.Forget(11);
  rows.Add(Row(13));
  for (SpoolSeq seq : {10, 12, 13}) EXPECT_NE(rows.Find(seq).row, nullptr) << seq;
}

TEST(RecentRowsTest, ARowThatIsTooLargeIsNotKept) {
  RecentRows rows(1000);
  rows.Add(Row(1, 1, 5000));
  EXPECT_EQ(rows.Find(1).row, nullptr);
  rows.Add(Row(2));
  EXPECT_NE(rows.Find(2).row, nullptr);
}

TEST(RecentRowsTest, AnOldestRowThatStaysKeepsItsPlaceWhileOthersPass) {
  RecentRows rows(100 * Row(1)->Bytes());
  rows.Add(Row(1));
  for (SpoolSeq seq = 2; seq < 20'000; ++seq) {
    rows.Add(Row(seq));
    rows.Forget(seq);
  }
  EXPECT_NE(rows.Find(1).row, nullptr);
  for (SpoolSeq seq = 20'000; seq < 20'200; ++seq) rows.Add(Row(seq));
  EXPECT_EQ(rows.Find(1).row, nullptr);  // the order is still known after 19,998 that passed
  EXPECT_NE(rows.Find(20'199).row, nullptr);
}

}  // namespace
}  // namespace tallybus
