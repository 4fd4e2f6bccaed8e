// The accessors take whatever JSON is there.
#include "event_json.h"

#include <gtest/gtest.h>

#include "event_replay.h"

namespace tallybus::janus {
namespace {

TEST(EventJsonTest, MissingMembersAndWrongTypesReadAsNothing) {
  const Json json = Parse(R"({"text":1,"id":[],"number":"5","none":null})");
  for (const char* key : {"text", "none", "absent"}) EXPECT_EQ(Text(json.get(), key), "") << key;
  EXPECT_EQ(Id(json.get(), "id"), "");
  EXPECT_EQ(Integer(json.get(), "number"), 0);
  EXPECT_EQ(Text(nullptr, "text"), "");
  EXPECT_EQ(Id(json_object_get(json.get(), "id"), "x"), "");
}

TEST(EventJsonTest, IdsAreNumbersOrText) {
  const Json json = Parse(R"({"number":1234,"text":"studio","large":-1})");
  EXPECT_EQ(Id(json.get(), "number"), "1234");
  EXPECT_EQ(Id(json.get(), "text"), "studio");
  EXPECT_EQ(Id(json.get(), "large"), "18446744073709551615");
}

TEST(EventJsonTest, ShortTextIsCutBetweenCharacters) {
  const Json json = Parse(R"({"text":")" + std::string(255, 'a') + "é" + R"("})");
  EXPECT_EQ(ShortText(json.get(), "text"), std::string(255, 'a'));
}

}  // namespace
}  // namespace tallybus::janus
