// An event from the JSON that a publisher wrote: routing fields out of it, its bytes kept.
#include <gtest/gtest.h>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

const absl::Time kNow = absl::FromUnixMillis(1'700'000'000'123);

EventDefaults Defaults() {
  EventDefaults defaults;
  defaults.node_id = "n";
  defaults.app_key = "app";
  defaults.now = kNow;
  return defaults;
}

Event Read(std::string_view json, std::string_view method = kStreamStatusEvent) {
  absl::StatusOr<Event> event = EventFromJson(method, json, Defaults());
  EXPECT_TRUE(event.ok()) << json << ": " << event.status();
  return event.ok() ? *event : Event();
}

std::string ReasonAgainst(std::string_view json, std::string_view method = kStreamStatusEvent) {
  absl::StatusOr<Event> event = EventFromJson(method, json, Defaults());
  EXPECT_FALSE(event.ok());
  return event.ok() ? "" : std::string(MalformedReason(event.status()));
}

TEST(JsonEventTest, ACompleteObjectIsKeptByteForByte) {
  const std::string json =
      " { \"nodeId\" : \"N\", \"appKey\":\"A\",\n \"sessionId\":\"S\",\"mediaSessionId\":\"M\","
      "\"name\":\"b4\\u00657\",\"published\" :true,\"status\":\"UNPUBLISHED\",\"z\":[1.50,1e2 ]} ";
  const Event event = Read(json);
  EXPECT_EQ(event.json, json);
  EXPECT_EQ(event.node_id, "N");
  EXPECT_EQ(event.app_key, "A");
  EXPECT_EQ(event.session_id, "S");
  EXPECT_EQ(event.media_session_id, "M");
  EXPECT_EQ(event.name, "b4e7");
  EXPECT_EQ(event.status, "UNPUBLISHED");
  EXPECT_TRUE(event.published);
  EXPECT_TRUE(event.terminal);
  EXPECT_EQ(event.time, kNow);
  EXPECT_EQ(event.id, EventId());
}

TEST(JsonEventTest, AbsentNodeAndAppArePutInFront) {
  EXPECT_EQ(Read(R"({"status":"PUBLISHING"})").json,
            R"({"nodeId":"n","appKey":"app","status":"PUBLISHING"})");
  EXPECT_EQ(Read(R"({"appKey":"mine" , "x":1})").json, R"({"nodeId":"n","appKey":"mine" , "x":1})");
  EXPECT_EQ(Read(R"({ "nodeId":"N"})").json, R"({"appKey":"app", "nodeId":"N"})");
}

TEST(JsonEventTest, AnEmptyObjectGetsNodeAndAppAlone) {
  EXPECT_EQ(Read("{}").json, R"({"nodeId":"n","appKey":"app"})");
  EXPECT_EQ(Read("{ }").json, R"({"nodeId":"n","appKey":"app" })");
}

TEST(JsonEventTest, AnAbsentSessionIsNotInvented) {
  const Event event = Read("{}");
  EXPECT_EQ(event.session_id, "");
  EXPECT_EQ(event.media_session_id, "");
  EXPECT_EQ(event.json.find("essionId"), std::string::npos);
}

TEST(JsonEventTest, NumericIdsAreTakenByTheirDigits) {
  const std::string json = R"({"nodeId":1,"appKey":2,"sessionId":4503599627370497,)"
                           R"("mediaSessionId":-3,"name":007.5e0,"status":1})";
  EXPECT_EQ(ReasonAgainst(json), "json") << "a leading zero is no JSON";
  const Event event = Read(R"({"nodeId":1,"appKey":2,"sessionId":4503599627370497,)"
                           R"("mediaSessionId":-3,"name":1234,"status":1})");
  EXPECT_EQ(event.node_id, "1");
  EXPECT_EQ(event.app_key, "2");
  EXPECT_EQ(event.session_id, "4503599627370497");
  EXPECT_EQ(event.media_session_id, "-3");
  EXPECT_EQ(event.name, "1234");
}

TEST(JsonEventTest, AnUnsignedIdOverTheSignedRangeIsTakenToo) {
  EXPECT_EQ(Read(R"({"sessionId":18446744073709551615})").session_id, "18446744073709551615");
}

TEST(JsonEventTest, AnIdThatIsNeitherTextNorIntegerIsNone) {
  const Event event =
      Read(R"({"nodeId":null,"appKey":{},"sessionId":1.5,"name":[1],"published":1})");
  EXPECT_EQ(event.node_id, "n");
  EXPECT_EQ(event.app_key, "app");
  EXPECT_EQ(event.session_id, "");
  EXPECT_EQ(event.name, "");
  EXPECT_FALSE(event.published);
  EXPECT_EQ(event.json, R"({"nodeId":null,"appKey":{},"sessionId":1.5,"name":[1],"published":1})");
}

TEST(JsonEventTest, OfDuplicateIdsTheFirstRoutesAndAllAreKept) {
  const Event event = Read(R"({"name":"a","name":"b","nodeId":"x","appKey":"y"})");
  EXPECT_EQ(event.name, "a");
  EXPECT_EQ(event.json, R"({"name":"a","name":"b","nodeId":"x","appKey":"y"})");
}

TEST(JsonEventTest, AnEscapedKeyIsTheKeyItMeans) {
  const Event event = Read(R"({"node\u0049d":"N","appKe\u0079":"A"})");
  EXPECT_EQ(event.node_id, "N");
  EXPECT_EQ(event.json, R"({"node\u0049d":"N","appKe\u0079":"A"})");
}

TEST(JsonEventTest, TheAppThatTheSessionWasOpenedForWinsOverTheDefault) {
  EventDefaults defaults = Defaults();
  defaults.app_of_session = [](std::string_view session) {
    return session == "S" ? std::string_view("of session") : std::string_view();
  };
  EXPECT_EQ(EventFromJson("X", R"({"sessionId":"S"})", defaults)->app_key, "of session");
  EXPECT_EQ(EventFromJson("X", R"({"sessionId":"T"})", defaults)->app_key, "app");
  EXPECT_EQ(EventFromJson("X", R"({"sessionId":"S","appKey":"own"})", defaults)->app_key, "own");
  defaults.app_of_session = nullptr;
  defaults.app_key = "";
  EXPECT_EQ(EventFromJson("X", "{}", defaults)->app_key, "defaultApp");
}

TEST(JsonEventTest, UnknownMethodsAndStatusesPassThrough) {
  const Event event = Read(R"({"status":"NOVEL"})", "My.Own_Event-2");
  EXPECT_EQ(event.method, "My.Own_Event-2");
  EXPECT_EQ(event.status, "NOVEL");
  EXPECT_FALSE(event.terminal);
}

TEST(JsonEventTest, AMethodThatCannotBeAPathIsRefusedAndEscaped) {
  absl::StatusOr<Event> event = EventFromJson("a/../b\n", "{}", Defaults());
  ASSERT_FALSE(event.ok());
  EXPECT_EQ(MalformedReason(event.status()), "method");
  EXPECT_EQ(event.status().message().find('\n'), absl::string_view::npos);
}

TEST(JsonEventTest, AnErrorTellsNothingOfThePayload) {
  absl::StatusOr<Event> event =
      EventFromJson("ConnectionStatusEvent", R"({"authToken":"secret",})", Defaults());
  ASSERT_FALSE(event.ok());
  EXPECT_EQ(event.status().message().find("secret"), absl::string_view::npos);
}

TEST(JsonEventTest, OneMebibyteIsTakenAndNotAByteMore) {
  const std::string frame = R"({"nodeId":"n","appKey":"a","x":""})";
  std::string json = frame;
  json.insert(json.size() - 2, std::string(kMaxEventBytes - frame.size(), 'x'));
  ASSERT_EQ(json.size(), kMaxEventBytes);
  EXPECT_EQ(Read(json).json.size(), kMaxEventBytes);
  json.insert(json.size() - 2, "x");
  EXPECT_EQ(ReasonAgainst(json), "too_large");
}

TEST(JsonEventTest, WhatIsNoObjectIsRefusedByReason) {
  EXPECT_EQ(ReasonAgainst(""), "json");
  EXPECT_EQ(ReasonAgainst("[]"), "not_object");
  EXPECT_EQ(ReasonAgainst("{\"a\":\"\xff\"}"), "utf8");
  EXPECT_EQ(ReasonAgainst("{} "
                          "{}"),
            "json");
}

}  // namespace
}  // namespace tallybus
