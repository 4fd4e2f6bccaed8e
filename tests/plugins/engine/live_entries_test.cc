// What is kept by key, and in which order it is gone through.
#include "live_entries.h"

#include <gtest/gtest.h>

#include <string>

namespace tallybus::engine {
namespace {

class LiveEntriesTest : public testing::Test {
 protected:
  // Keys and values, in their order.
  std::string All(uint64_t after = 0) const {
    std::string all;
    while (const LiveEntries::Entry* entry = entries_.After(after)) {
      all += entry->key + "=" + entry->value + " ";
      after = entry->number;
    }
    return all;
  }

  LiveEntries entries_;
};

TEST_F(LiveEntriesTest, FindsByTheWholeKey) {
  entries_.Add(std::string("s\0a", 3), "1");
  entries_.Add(std::string("s\0b", 3), "2");
  ASSERT_NE(entries_.Find(std::string("s\0b", 3)), nullptr);
  EXPECT_EQ(entries_.Find(std::string("s\0b", 3))->value, "2");
  EXPECT_EQ(entries_.Find("s"), nullptr);
}

TEST_F(LiveEntriesTest, GoesThroughThemAsTheyCame) {
  entries_.Add("z", "1");
  entries_.Add("a", "2");
  entries_.Add("m", "3");
  EXPECT_EQ(All(), "z=1 a=2 m=3 ");
}

TEST_F(LiveEntriesTest, AReplacedValueKeepsItsPlace) {
  entries_.Add("z", "1");
  entries_.Add("a", "2");
  entries_.Replace(*entries_.Find("z"), "10");
  EXPECT_EQ(All(), "z=10 a=2 ");
}

TEST_F(LiveEntriesTest, GoesOnBehindOneThatIsGone) {
  for (const char* key : {"a", "b", "c"}) entries_.Add(key, "");
  const uint64_t number = entries_.Find("b")->number;
  entries_.Erase(*entries_.Find("b"));
  EXPECT_EQ(All(number), "c= ");
  EXPECT_EQ(All(), "a= c= ");
}

TEST_F(LiveEntriesTest, OneThatComesAgainComesLast) {
  for (const char* key : {"a", "b"}) entries_.Add(key, "");
  entries_.Erase(*entries_.Find("a"));
  entries_.Add("a", "again");
  EXPECT_EQ(All(), "b= a=again ");
}

TEST_F(LiveEntriesTest, CountsTheBytesOfKeysAndValues) {
  entries_.Add("ab", "123");
  entries_.Add("cd", "");
  EXPECT_EQ(entries_.bytes(), 7u);
  entries_.Replace(*entries_.Find("ab"), std::string(1000, 'x'));
  EXPECT_EQ(entries_.bytes(), 1004u);
  entries_.Erase(*entries_.Find("ab"));
  EXPECT_EQ(entries_.bytes(), 2u);
}

TEST_F(LiveEntriesTest, AValueThatShrinksGivesItsMemoryBack) {
  entries_.Add("a", std::string(100'000, 'x'));
  entries_.Replace(*entries_.Find("a"), std::string(100, 'x'));
  EXPECT_LT(entries_.Find("a")->value.capacity(), 1'000u);
}

}  // namespace
}  // namespace tallybus::engine
