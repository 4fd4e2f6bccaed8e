// When live streams are asked about: each in its time, and once.
#include "keep_alives.h"

#include <gtest/gtest.h>

namespace tallybus::testing {
namespace {

MonoTime At(int seconds) { return MonoTime::AtOffset(absl::Seconds(seconds)); }

TEST(KeepAlivesTest, TheSoonestIsTakenFirstAndNotBeforeItsTime) {
  KeepAlives due;
  EXPECT_FALSE(due.NextDue().has_value());
  due.Follow({"e", "b"}, At(9));
  due.Follow({"e", "a"}, At(5));
  EXPECT_EQ(due.NextDue(), At(5));
  EXPECT_FALSE(due.TakeDue(At(4)).has_value());
  EXPECT_EQ(due.TakeDue(At(5))->key, "a");
  EXPECT_FALSE(due.TakeDue(At(5)).has_value());
  EXPECT_EQ(due.TakeDue(At(10))->key, "b");
  EXPECT_EQ(due.size(), 0u);
}

TEST(KeepAlivesTest, AStreamThatBeginsAgainIsFollowedOnce) {
  KeepAlives due;
  due.Follow({"e", "a"}, At(5));
  due.Follow({"e", "a"}, At(6));
  due.Follow({"other", "a"}, At(7));
  EXPECT_EQ(due.size(), 2u);
  EXPECT_EQ(due.TakeDue(At(9))->source, "e");
  due.Follow({"e", "a"}, At(12));
  EXPECT_EQ(due.size(), 2u);
}

TEST(KeepAlivesTest, AfterClearAllMayBeFollowedAgain) {
  KeepAlives due;
  due.Follow({"e", "a"}, At(5));
  due.Clear();
  EXPECT_FALSE(due.NextDue().has_value());
  due.Follow({"e", "a"}, At(6));
  EXPECT_EQ(due.NextDue(), At(6));
}

}  // namespace
}  // namespace tallybus::testing
