// What lives, with its texts in one piece of memory.
#include "live_entry.h"

#include <absl/container/flat_hash_set.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace tallybus {
namespace {

constexpr char kJson[] =
    R"({"appKey":"app","sessionId":"s\/1","name":"","status":"PUBLISHING","info":"PLAYING"})";

LiveEntryPtr Made(LiveEntry::Texts texts) { return LiveEntry::Make(texts, MonoTime(), false); }

TEST(LiveEntryTest, HasItsTextsWhereverTheyStand) {
  const MonoTime now = MonoTime::AtOffset(absl::Hours(1));
  std::string name = "not in the object";
  const auto entry =
      LiveEntry::Make({"stream/media-a", kJson, "PUBLISHING", "app", "s/1", name}, now, true);
  name.assign(name.size(), 'x');  // it was copied
  EXPECT_EQ(entry->key(), "stream/media-a");
  EXPECT_EQ(entry->json(), kJson);
  EXPECT_EQ(entry->status(), "PUBLISHING");
  EXPECT_EQ(entry->app_key(), "app");
  EXPECT_EQ(entry->session_id(), "s/1") << "which is written in other characters there";
  EXPECT_EQ(entry->name(), "not in the object");
  EXPECT_EQ(entry->heard, now);
  EXPECT_TRUE(entry->lost);
}

TEST(LiveEntryTest, WhatStandsInTheObjectIsNotKeptTwice) {
  const auto entry = Made({"stream/app/", kJson, "PUBLISHING", "app", "s\\/1", ""});
  const auto within = [](std::string_view whole, std::string_view part) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
  };
  EXPECT_TRUE(within(entry->json(), entry->status()));
  EXPECT_TRUE(within(entry->json(), entry->session_id()));
  EXPECT_TRUE(within(entry->key(), entry->app_key()));
}

TEST(LiveEntryTest, TextsMayBeEmptyOrHaveZeroBytes) {
  const auto empty = Made({});
  EXPECT_EQ(empty->key(), "");
  EXPECT_EQ(empty->json(), "");
  EXPECT_EQ(empty->name(), "");
  const std::string_view key("stream/\0a", 9);
  EXPECT_EQ(Made({key, kJson})->key(), key);
}

TEST(LiveEntryTest, ASetOfThemIsAskedByTheKey) {
  absl::flat_hash_set<LiveEntryPtr, LiveEntryHash, LiveEntryEqual> entries;
  for (const char* key : {"a", "b"}) entries.insert(Made({key, kJson}));
  EXPECT_FALSE(entries.insert(Made({"a", "another"})).second);
  ASSERT_TRUE(entries.contains("a"));
  EXPECT_EQ((*entries.find("a"))->json(), kJson);
  EXPECT_FALSE(entries.contains("c"));
}

}  // namespace
}  // namespace tallybus
