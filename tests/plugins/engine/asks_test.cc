// Calls that wait for their answers: each is taken by one, and by one only.
#include "asks.h"

#include <gtest/gtest.h>

namespace tallybus::engine {
namespace {

void Ignore(void*, const tallybus_answer*) {}

TEST(AsksTest, ACallIsTakenOnce) {
  Asks asks(1000);
  int user = 0;
  const uint64_t call = asks.Add(&Ignore, &user, 5);
  ASSERT_NE(call, 0u);
  const std::optional<Asked> asked = asks.Take(call);
  ASSERT_TRUE(asked.has_value());
  EXPECT_EQ(asked->answer, &Ignore);
  EXPECT_EQ(asked->user, &user);
  EXPECT_FALSE(asks.Take(call).has_value());
  EXPECT_FALSE(asks.TakeDue(Asks::kNever).has_value());
}

TEST(AsksTest, TheOldestIsDueFirstAndNotBeforeItsTime) {
  Asks asks(1000);
  EXPECT_EQ(asks.next_due_us(), Asks::kNever);
  int first = 0;
  int second = 0;
  asks.Add(&Ignore, &first, 5);
  asks.Add(&Ignore, &second, 8);
  EXPECT_EQ(asks.next_due_us(), 1005);
  EXPECT_FALSE(asks.TakeDue(1004).has_value());
  EXPECT_EQ(asks.TakeDue(1005)->user, &first);
  EXPECT_EQ(asks.next_due_us(), 1008);
  EXPECT_FALSE(asks.TakeDue(1005).has_value());
  EXPECT_EQ(asks.TakeDue(2000)->user, &second);
  EXPECT_EQ(asks.next_due_us(), Asks::kNever);
}

TEST(AsksTest, ThereAreSoManyAndNotMore) {
  Asks asks(1000);
  for (size_t i = 0; i < Asks::kMost; ++i) ASSERT_NE(asks.Add(&Ignore, nullptr, 0), 0u);
  EXPECT_EQ(asks.Add(&Ignore, nullptr, 0), 0u);
  ASSERT_TRUE(asks.TakeDue(1000).has_value());
  EXPECT_NE(asks.Add(&Ignore, nullptr, 0), 0u);
}

}  // namespace
}  // namespace tallybus::engine
