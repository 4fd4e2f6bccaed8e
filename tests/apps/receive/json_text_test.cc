// Reading an event's object for display.
#include "apps/receive/json_text.h"

#include <gtest/gtest.h>

namespace tallybus::receive {
namespace {

TEST(JsonTextTest, ReadsTheFieldsOfALineAndPutsTheObjectInOneLine) {
  const auto fields = ReadEventFields(
      "{\n \"status\": \"FAILED\",\n \"name\": \"cam 1\", \"sessionId\": \"s\", \"info\": \"x\",\n"
      " \"bitrate\": 1.50}");
  ASSERT_TRUE(fields.has_value());
  EXPECT_EQ(fields->status, "FAILED");
  EXPECT_EQ(fields->name, "cam 1");
  EXPECT_EQ(fields->session_id, "s");
  EXPECT_EQ(fields->info, "x");
  EXPECT_EQ(fields->one_line,
            R"({"status":"FAILED","name":"cam 1","sessionId":"s","info":"x","bitrate":1.50})");
}

TEST(JsonTextTest, TakesAFieldOfAnotherTypeForAbsent) {
  const auto fields = ReadEventFields(R"({"status":7,"name":null})");
  ASSERT_TRUE(fields.has_value());
  EXPECT_EQ(fields->status, "");
  EXPECT_EQ(fields->name, "");
}

TEST(JsonTextTest, ReadsNothingButObjects) {
  for (const char* text : {"", "[]", "1", "{", "{} {}", "{\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(ReadEventFields(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace tallybus::receive
