// Which fields of an answer get into the clients' copy, and which are left and counted.
#include "policy/overwrite.h"

#include <gtest/gtest.h>

#include <string>

namespace tallybus {
namespace {

using Answer = Overwritten::Answer;

FieldSetPtr Fields(FieldSet fields) { return std::make_shared<const FieldSet>(std::move(fields)); }

Overwritten Of(std::string_view json, std::string_view answer, FieldSet fields,
               std::string_view method = kStreamStatusEvent) {
  Event event;
  event.method = method;
  event.json = json;
  return Overwrite(event, answer, Fields(std::move(fields)));
}

TEST(OverwriteTest, ListedFieldsAreReplacedAndTheRestStaysByteForByte) {
  const Overwritten out =
      Of("{\"zulu\" : 1,\n \"name\": \"a\", \"info\":\"\\u0041\",\"width\":0}",
         R"({"width":640,"name":"b","zulu":2,"other":true})", {"name", "width"});
  EXPECT_EQ(out.json, "{\"zulu\" : 1,\"name\": \"b\",\"info\":\"\\u0041\",\"width\":640}");
  EXPECT_EQ(out.answer, Answer::kObject);
  EXPECT_EQ(out.replaced, 2u);
  EXPECT_EQ(out.wrong_type + out.unknown, 0u);
}

TEST(OverwriteTest, AnEchoChangesNothing) {
  const std::string json = R"({"name":"a","info":"i","width":0})";
  const Overwritten out = Of(json, json, {"info", "name", "width"});
  EXPECT_EQ(out.json, "");
  EXPECT_EQ(out.replaced, 0u);
}

TEST(OverwriteTest, AFieldThatTheAnswerDoesNotHaveStays) {
  EXPECT_EQ(Of(R"({"name":"a"})", R"({})", {"name"}).json, "");
}

TEST(OverwriteTest, AKnownFieldThatTheEventLacksIsAddedAtItsEnd) {
  EXPECT_EQ(Of(R"({"name":"a"})", R"({"info": "full","fps":30})", {"fps", "info"}).json,
            R"({"name":"a","fps":30,"info": "full"})");
  EXPECT_EQ(Of("{}", R"({"info":"x"})", {"info"}).json, R"({"info":"x"})");
}

TEST(OverwriteTest, WithoutAListNothingChanges) {
  Event event;
  event.json = "{}";
  const Overwritten out = Overwrite(event, R"({"name":"b"})", nullptr);
  EXPECT_EQ(out.json, "");
  EXPECT_EQ(out.answer, Answer::kObject);
}

TEST(OverwriteTest, WhatIsNoJsonObjectChangesNothingAndSaysSo) {
  for (const char* answer : {"<html>", "[]", "\"name\"", "{\"name\":", "{\"name\":\"\xff\"}"}) {
    const Overwritten out = Of(R"({"name":"a"})", answer, {"name"});
    EXPECT_EQ(out.answer, Answer::kNotJson) << answer;
    EXPECT_EQ(out.json, "") << answer;
  }
  EXPECT_EQ(Of("{}", "", {"name"}).answer, Answer::kEmpty);
  EXPECT_EQ(Of("{}", " \r\n", {"name"}).answer, Answer::kEmpty);
}

struct Fit {
  const char* field;
  const char* fits;
  const char* does_not;
};

TEST(OverwriteTest, KnownFieldsOfAStreamStatusEventHaveTheTypeOfTheTable) {
  const Fit fits[] = {{"info", "\"x\"", "1"},
                      {"sdp", "\"\"", "null"},
                      {"published", "true", "\"true\""},
                      {"cvoExtension", "false", "0"},
                      {"width", "-2147483648", "2147483648"},
                      {"bitrate", "2147483647", "1.5"},
                      {"quality", "1", "\"1\""},
                      {"createDate", "1700000000000", "1e12"},
                      {"audioState", "{\"muted\":true}", "[]"},
                      {"custom", "{}", "\"{}\""}};
  for (const Fit& fit : fits) {
    const std::string key = std::string("{\"") + fit.field + "\":";
    const Overwritten good = Of("{}", key + fit.fits + "}", {fit.field});
    EXPECT_EQ(good.json, key + fit.fits + "}");
    const Overwritten bad = Of("{}", key + fit.does_not + "}", {fit.field});
    EXPECT_EQ(bad.json, "") << fit.field;
    EXPECT_EQ(bad.wrong_type, 1u) << fit.field;
    EXPECT_EQ(bad.replaced, 0u) << fit.field;
  }
}

TEST(OverwriteTest, TheTableWinsOverTheTypeThatTheEventSent) {
  EXPECT_EQ(Of(R"({"width":"wide"})", R"({"width":640})", {"width"}).json, R"({"width":640})");
}

TEST(OverwriteTest, AnyOtherFieldHasTheTypeThatItHasInTheEvent) {
  const Fit fits[] = {{"\"x\"", "\"y\"", "1"},    {"5", "9007199254740993", "5.5"},
                      {"0.5", "7", "\"7\""},      {"true", "false", "0"},
                      {"{\"a\":1}", "{}", "[1]"}, {"[1]", "[\"b\",2]", "{}"}};
  for (const Fit& fit : fits) {  // the "field" is what the event has
    for (const std::string_view method :
         {std::string_view("CallStatusEvent"), kStreamStatusEvent}) {
      const std::string own = std::string("{\"zulu\":") + fit.field + "}";
      const std::string good = std::string("{\"zulu\":") + fit.fits + "}";
      const std::string bad = std::string("{\"zulu\":") + fit.does_not + "}";
      EXPECT_EQ(Of(own, good, {"zulu"}, method).json, good);
      EXPECT_EQ(Of(own, bad, {"zulu"}, method).json, "") << bad;
      EXPECT_EQ(Of(own, bad, {"zulu"}, method).wrong_type, 1u) << bad;
    }
  }
}

TEST(OverwriteTest, AFieldThatIsNeitherKnownNorThereIsCountedAndLeft) {
  for (const char* own : {"{}", "{\"zulu\":null}"}) {
    const Overwritten out = Of(own, R"({"zulu":1})", {"zulu"});
    EXPECT_EQ(out.json, "");
    EXPECT_EQ(out.unknown, 1u);
    EXPECT_EQ(out.wrong_type, 0u);
  }
  EXPECT_EQ(Of("{}", R"({"width":1})", {"width"}, "CallStatusEvent").unknown, 1u)
      << "the table is that of StreamStatusEvent";
}

TEST(OverwriteTest, OfANameThatComesTwiceTheLastCounts) {
  EXPECT_EQ(Of(R"({"info":"a","info":"b"})", R"({"info":1,"info":"c"})", {"info", "info"}).json,
            R"({"info":"c","info":"c"})");
}

TEST(OverwriteTest, EscapedNamesAreTheNamesThatTheyStandFor) {
  EXPECT_EQ(Of(R"({"n\u0061me":"a"})", R"({"\u006eame":"b"})", {"name"}).json,
            R"({"n\u0061me":"b"})");
}

}  // namespace
}  // namespace tallybus
