// Which ids are known again, and for how long.
#include "apps/receive/seen_ids.h"

#include <gtest/gtest.h>

namespace tallybus::receive {
namespace {

TEST(SeenIdsTest, KnowsAnIdAgain) {
  SeenIds ids(8);
  EXPECT_FALSE(ids.Note("e-1"));
  EXPECT_FALSE(ids.Note("e-2"));
  EXPECT_TRUE(ids.Note("e-1"));
}

TEST(SeenIdsTest, ForgetsTheOldestAboveItsCapacityAndCountsIt) {
  SeenIds ids(2);
  ids.Note("e-1");
  ids.Note("e-2");
  ids.Note("e-3");
  EXPECT_EQ(ids.forgotten(), 1u);
  EXPECT_TRUE(ids.Note("e-3"));
  EXPECT_FALSE(ids.Note("e-1"));
}

}  // namespace
}  // namespace tallybus::receive
