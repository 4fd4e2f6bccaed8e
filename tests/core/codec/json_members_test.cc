// What is an object, where its members lie, and which bytes each came as.
#include "codec/json_members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tallybus/codec.h"
#include "tallybus/event.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<JsonMember> Split(std::string_view json) {
  std::vector<JsonMember> members;
  absl::Status status = SplitJsonObject(json, &members);
  EXPECT_TRUE(status.ok()) << json << ": " << status;
  return members;
}

std::string ReasonAgainst(std::string_view json) {
  std::vector<JsonMember> members;
  absl::Status status = SplitJsonObject(json, &members);
  EXPECT_FALSE(status.ok()) << json.substr(0, 80);
  return std::string(MalformedReason(status));
}

std::vector<std::string> Texts(std::string_view json) {
  std::vector<std::string> texts;
  for (const JsonMember& member : Split(json)) texts.emplace_back(member.text);
  return texts;
}

std::vector<std::string> Values(std::string_view json) {
  std::vector<std::string> values;
  for (const JsonMember& member : Split(json)) values.emplace_back(member.value);
  return values;
}

// An object that is `levels` deep, itself counted.
std::string Nested(size_t levels) {
  std::string json;
  for (size_t i = 1; i < levels; ++i) json += "{\"a\":";
  json += "{}";
  for (size_t i = 1; i < levels; ++i) json += "}";
  return json;
}

TEST(JsonMembersTest, FindsEachMemberAsItCame) {
  EXPECT_THAT(Texts(R"({"a":1,"b":"two","c":true,"d":null})"),
              ElementsAre(R"("a":1)", R"("b":"two")", R"("c":true)", R"("d":null)"));
}

TEST(JsonMembersTest, KeepsOddSpacingInsideAMemberAndDropsItAround) {
  EXPECT_THAT(Texts(" \n{ \t\"a\" :\r\n 1 ,\n\n\"b\"\t:\"x y\" \n} \n"),
              ElementsAre("\"a\" :\r\n 1", "\"b\"\t:\"x y\""));
  EXPECT_THAT(Values(" \n{ \t\"a\" :\r\n 1 ,\n\n\"b\"\t:\"x y\" \n} \n"),
              ElementsAre("1", "\"x y\""));
}

TEST(JsonMembersTest, IsNotFooledByWhatStandsInStrings) {
  EXPECT_THAT(
      Texts(R"({"a,b":"},{\"x\":[","c\\":"\\","{":"}","\"":"\\\""})"),
      ElementsAre(R"("a,b":"},{\"x\":[")", R"("c\\":"\\")", R"("{":"}")", R"("\"":"\\\"")"));
}

TEST(JsonMembersTest, TakesNestedValuesWhole) {
  EXPECT_THAT(Values(R"({"a":{"b":[1,{"c":"]}"}], "d":{}},"e":[ ],"f":[[1],[2]],"g":{} ,"h":2})"),
              ElementsAre(R"({"b":[1,{"c":"]}"}], "d":{}})", "[ ]", "[[1],[2]]", "{}", "2"));
}

TEST(JsonMembersTest, UnescapesKeysAndStrings) {
  const auto members = Split(R"({"s\u0064p":"a\n\"\u00e9\ud83d\ude00\/"})");
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(members[0].key, "sdp");
  EXPECT_EQ(members[0].string, "a\n\"\u00e9\U0001F600/");
  EXPECT_EQ(members[0].text, R"("s\u0064p":"a\n\"\u00e9\ud83d\ude00\/")");
}

TEST(JsonMembersTest, KeepsDuplicateKeysInTheirOrder) {
  EXPECT_THAT(Texts(R"({"a":1,"a":2,"a":1})"), ElementsAre(R"("a":1)", R"("a":2)", R"("a":1)"));
}

TEST(JsonMembersTest, TellsTheTypes) {
  const auto members = Split(R"({"s":"","i":-7,"b":false,"o":{},"n":null,"f":1.5,"a":[1]})");
  std::vector<JsonMember::Type> types;
  for (const JsonMember& member : members) types.push_back(member.type);
  using enum JsonMember::Type;
  EXPECT_THAT(types, ElementsAre(kString, kInt, kBool, kObject, kOther, kOther, kOther));
  EXPECT_EQ(members[1].integer, -7);
  EXPECT_FALSE(members[2].boolean);
}

TEST(JsonMembersTest, AnEmptyObjectHasNoMembers) {
  EXPECT_THAT(Split("{}"), IsEmpty());
  EXPECT_THAT(Split(" { \n } "), IsEmpty());
}

TEST(JsonMembersTest, AnEmptyKeyIsAKey) {
  const auto members = Split(R"({"":0})");
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(members[0].key, "");
  EXPECT_EQ(members[0].value, "0");
}

TEST(JsonMembersTest, IntegersUpToSixtyFourBitsAreTaken) {
  const auto members = Split(R"({"min":-9223372036854775808,"max":9223372036854775807,)"
                             R"("unsigned":18446744073709551615})");
  EXPECT_EQ(members[0].integer, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(members[1].integer, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(members[2].type, JsonMember::Type::kOther);
  EXPECT_EQ(members[2].value, "18446744073709551615");
}

// simdjson reads integers into 64 bits and knows no others; written as 1e29 it is a double.
TEST(JsonMembersTest, AnIntegerOfThirtyDigitsIsRefused) {
  EXPECT_EQ(ReasonAgainst(R"({"n":123456789012345678901234567890})"), "json");
  EXPECT_THAT(Values(R"({"n":1.23456789012345678901234567890e29})"),
              ElementsAre("1.23456789012345678901234567890e29"));
}

TEST(JsonMembersTest, TakesSixtyFourLevelsAndNoMore) {
  EXPECT_EQ(Split(Nested(64)).size(), 1u);
  EXPECT_EQ(ReasonAgainst(Nested(65)), "too_deep");
  EXPECT_EQ(ReasonAgainst(Nested(10'000)), "too_deep");
  EXPECT_EQ(ReasonAgainst("{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}"),
            "too_deep");
  EXPECT_EQ(Split(Nested(64)).size(), 1u) << "a refusal must leave no trace";
}

TEST(JsonMembersTest, DepthIsTheSameForALargeDocument) {
  const std::string filler(700'000, 'x');
  std::string deep = Nested(65);
  deep.insert(1, "\"filler\":\"" + filler + "\",");
  EXPECT_EQ(ReasonAgainst(deep), "too_deep");
}

TEST(JsonMembersTest, RefusesWhatIsNotUtf8) {
  EXPECT_EQ(ReasonAgainst("{\"a\":\"\xff\"}"), "utf8");
  EXPECT_EQ(ReasonAgainst("{\"\xc3\":1}"), "utf8");
  EXPECT_EQ(ReasonAgainst("{\"a\":\"\xc0\xaf\"}"), "utf8");
  EXPECT_EQ(ReasonAgainst("{\"a\":\"\xed\xa0\x80\"}"), "utf8");
}

TEST(JsonMembersTest, RefusesJsonThatIsNotAnObject) {
  for (const char* json : {"[]", "\"a\"", "1", "true", "null"}) {
    EXPECT_EQ(ReasonAgainst(json), "not_object") << json;
  }
}

TEST(JsonMembersTest, RefusesWhatIsNotJson) {
  for (std::string_view json : {"",
                                " ",
                                "{",
                                "}",
                                "{\"a\"}",
                                "{\"a\":}",
                                "{\"a\":1,}",
                                "{a:1}",
                                "{'a':1}",
                                "{\"a\":1}}",
                                "{} {}",
                                "{\"a\":1}x",
                                "{\"a\":1},{\"b\":2}",
                                "{\"a\":01}",
                                "{\"a\":NaN}",
                                "{\"a\":\"\n\"}",
                                "{\"a\":\"\\x\"}",
                                "{\"a\":\"\\ud800\"}",
                                "{\"a\":1 \"b\":2}",
                                "/**/{}"}) {
    EXPECT_EQ(ReasonAgainst(json), "json") << json;
  }
  EXPECT_EQ(ReasonAgainst(std::string_view("{}\0", 3)), "json");
}

TEST(JsonMembersTest, ReadsWithoutPaddingBehindTheText) {
  // The text ends where its allocation ends: reading on would be seen by a sanitizer.
  for (size_t length : {0, 1, 50, 200}) {
    const std::string json = "{\"a\":\"" + std::string(length, 'x') + "\"}";
    std::vector<char> exact(json.begin(), json.end());
    EXPECT_EQ(Split({exact.data(), exact.size()}).size(), 1u);
  }
}

}  // namespace
}  // namespace tallybus
