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
  EXPECT_EQ(due.TakeDue(At(5))->stream.key, "a");
  EXPECT_FALSE(due.TakeDue(At(5)).has_value());
  EXPECT_EQ(due.TakeDue(At(10))->stream.key, "b");
  EXPECT_EQ(due.size(), 0u);
}

TEST(KeepAlivesTest, AStreamThatBeginsAgainIsFollowedOnce) {
  KeepAlives due;
  due.Follow({"e", "a"}, At(5));
  due.Follow({"e", "a"}, At(6));
  due.Follow({"other", "a"}, At(7));
  EXPECT_EQ(due.size(), 2u);
  EXPECT_EQ(due.TakeDue(At(9))->stream.source, "e");
  due.Follow({"e", "a"}, At(12));
  EXPECT_EQ(due.size(), 2u);
}

TEST(KeepAlivesTest, WhatIsForgottenIsNotDueAndMayBeFollowedAnew) {
  KeepAlives due;
  due.Follow({"e", "a"}, At(5));
  due.Forget({"e", "a"});
  EXPECT_EQ(due.size(), 0u);
  EXPECT_FALSE(due.NextDue().has_value());
  due.Follow({"e", "a"}, At(9));
  EXPECT_FALSE(due.TakeDue(At(8)).has_value());
  EXPECT_TRUE(due.TakeDue(At(9)).has_value());
  EXPECT_FALSE(due.TakeDue(At(99)).has_value()) << "once";
}

TEST(KeepAlivesTest, ManyThatWereForgottenLeaveTheOthersInOrder) {
  KeepAlives due;
  for (int i = 0; i < 5000; ++i) due.Follow({"e", std::to_string(i)}, At(5000 - i));
  for (int i = 0; i < 4990; ++i) due.Forget({"e", std::to_string(i)});
  EXPECT_EQ(due.size(), 10u);
  for (int i = 4999; i >= 4990; --i)
    EXPECT_EQ(due.TakeDue(At(9999))->stream.key, std::to_string(i));
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
