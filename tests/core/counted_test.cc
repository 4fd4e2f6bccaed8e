// One is one row.
#include "tallybus/counted.h"

#include <gtest/gtest.h>

#include <limits>

namespace tallybus {
namespace {

TEST(CountedTest, OneIsOneRowAndNoneAreRows) {
  EXPECT_EQ(Counted(0, "row"), "0 rows");
  EXPECT_EQ(Counted(1, "row"), "1 row");
  EXPECT_EQ(Counted(2, "row"), "2 rows");
  EXPECT_EQ(Counted(std::numeric_limits<uint64_t>::max(), "row"), "18446744073709551615 rows");
}

TEST(CountedTest, APluralOfItsOwnIsWritten) {
  EXPECT_EQ(Counted(1, "id or lane", "ids or lanes"), "1 id or lane");
  EXPECT_EQ(Counted(2, "id or lane", "ids or lanes"), "2 ids or lanes");
}

}  // namespace
}  // namespace tallybus
