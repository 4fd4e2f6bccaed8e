// The hand-off between threads: bounded, in order, one wake-up for many items.
#include "tallybus/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(MailboxTest, HandsOverInTheOrderOfArrival) {
  Mailbox<std::string> mailbox(10, nullptr);
  for (const char* item : {"a", "b", "c"}) EXPECT_TRUE(mailbox.Push(item));
  std::vector<std::string> items = {"left over"};
  mailbox.Drain(&items);
  EXPECT_THAT(items, ElementsAre("a", "b", "c"));
  mailbox.Drain(&items);
  EXPECT_THAT(items, IsEmpty());
}

TEST(MailboxTest, WakesOnceForManyItems) {
  int woken = 0;
  Mailbox<int> mailbox(10, [&] { ++woken; });
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(mailbox.Push(int{i}));
  EXPECT_EQ(woken, 1);
  std::vector<int> items;
  mailbox.Drain(&items);
  EXPECT_TRUE(mailbox.Push(5));
  EXPECT_EQ(woken, 2);
}

TEST(MailboxTest, AFullMailboxLeavesTheItemUntouched) {
  Mailbox<std::unique_ptr<int>> mailbox(1, nullptr);
  EXPECT_TRUE(mailbox.Push(std::make_unique<int>(1)));
  auto item = std::make_unique<int>(2);
  EXPECT_FALSE(mailbox.Push(std::move(item)));
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(*item, 2);
  std::vector<std::unique_ptr<int>> items;
  mailbox.Drain(&items);
  EXPECT_TRUE(mailbox.Push(std::move(item)));
}

TEST(MailboxTest, TakesSeveralWithOneWakeUpOrNone) {
  int woken = 0;
  Mailbox<std::string> mailbox(3, [&] { ++woken; });
  std::vector<std::string> two = {"a", "b"};
  EXPECT_TRUE(mailbox.PushAll(two));
  std::vector<std::string> more = {"c", "d"};
  EXPECT_FALSE(mailbox.PushAll(more)) << "there is room for one";
  EXPECT_THAT(more, ElementsAre("c", "d"));
  EXPECT_TRUE(mailbox.PushAll({}));
  EXPECT_EQ(woken, 1);
  std::vector<std::string> items;
  mailbox.Drain(&items);
  EXPECT_THAT(items, ElementsAre("a", "b"));
  EXPECT_TRUE(mailbox.PushAll({}));
  EXPECT_EQ(woken, 1) << "nothing came";
}

TEST(MailboxTest, TheWakeUpMayDrain) {
  std::vector<int> items;
  Mailbox<int>* self = nullptr;
  Mailbox<int> mailbox(10, [&] { self->Drain(&items); });
  self = &mailbox;
  EXPECT_TRUE(mailbox.Push(1));
  EXPECT_THAT(items, ElementsAre(1));
}

TEST(MailboxTest, LosesNothingBetweenThreads) {
  constexpr int kEach = 2000;
  Mailbox<int> mailbox(3 * kEach, nullptr);
  std::vector<std::thread> pushers;
  for (int t = 0; t < 3; ++t) {
    pushers.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) EXPECT_TRUE(mailbox.Push(t * kEach + i));
    });
  }
  std::vector<int> last(3, -1), items;
  int seen = 0;
  while (seen < 3 * kEach) {
    mailbox.Drain(&items);
    for (int item : items) {
      EXPECT_GT(item % kEach, last[item / kEach]) << "each thread's items stay in order";
      last[item / kEach] = item % kEach;
      ++seen;
    }
    if (items.empty()) std::this_thread::yield();
  }
  for (std::thread& pusher : pushers) pusher.join();
}

}  // namespace
}  // namespace tallybus
