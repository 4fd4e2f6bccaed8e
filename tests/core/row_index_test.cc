// Rows in step, with holes, and out of step.
#include "row_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tallybus {
namespace {

TEST(RowIndexTest, KnowsNothingAtFirst) { EXPECT_EQ(RowIndex().Find(1), 0u); }

TEST(RowIndexTest, FindsRowsInStepAndBehindHoles) {
  RowIndex index;
  index.Add(5, 1);
  index.Add(6, 2);
  index.Add(9, 3);   // 7 and 8 have no way
  index.Add(10, 5);  // way 4 has no row
  EXPECT_EQ(index.Find(4), 0u);
  EXPECT_EQ(index.Find(5), 1u);
  EXPECT_EQ(index.Find(6), 2u);
  EXPECT_EQ(index.Find(9), 3u);
  EXPECT_EQ(index.Find(10), 5u);
  EXPECT_EQ(index.Find(11), 0u);
}

TEST(RowIndexTest, FindsARowThatComesLate) {
  RowIndex index;
  index.Add(100, 1);
  index.Add(7, 2);
  index.Add(101, 3);
  EXPECT_EQ(index.Find(7), 2u);
  EXPECT_EQ(index.Find(100), 1u);
  EXPECT_EQ(index.Find(101), 3u);
  index.Add(100, 4);
  EXPECT_EQ(index.Find(100), 4u);
  index.Forget(7, 1);
  EXPECT_EQ(index.Find(7), 2u) << "another way's";
  index.Forget(7, 2);
  EXPECT_NE(index.Find(7), 2u);
}

// As the recorder uses it: what it says is right, or is a way that is not the row's.
TEST(RowIndexTest, AgreesWithATable) {
  RowIndex index;
  std::map<uint64_t, uint64_t> way_of;
  std::map<uint64_t, uint64_t> row_of;
  std::minstd_rand random(1);
  uint64_t row = 0;
  uint64_t first_way = 1;
  for (uint64_t way = 1; way < 20'000; ++way) {
    if (random() % 7 == 0) continue;  // a way without a row
    row += 1 + (random() % 5 == 0 ? random() % 3 : 0);
    const uint64_t added = random() % 20 == 0 && row > 50 ? row - 1 - random() % 40 : row;
    if (auto old = way_of.find(added); old != way_of.end()) row_of.erase(old->second);
    way_of[added] = way;
    row_of[way] = added;
    index.Add(added, way);
    if (way - first_way > 500) {
      if (auto gone = row_of.find(first_way); gone != row_of.end()) {
        index.Forget(gone->second, first_way);
        way_of.erase(gone->second);
        row_of.erase(gone);
      }
      index.ForgetBefore(++first_way);
    }
    const uint64_t asked = row - std::min<uint64_t>(row, random() % 600);
    const uint64_t said = index.Find(asked);
    const auto had = row_of.find(said);
    const bool is_its = had != row_of.end() && had->second == asked;
    const auto known = way_of.find(asked);
    ASSERT_EQ(is_its, known != way_of.end()) << "row " << asked;
    if (is_its) {
      ASSERT_EQ(said, known->second);
    }
  }
  EXPECT_LT(index.MemoryBytes(), 64u << 10);
}

}  // namespace
}  // namespace tallybus
