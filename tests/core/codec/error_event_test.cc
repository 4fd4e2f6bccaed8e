// What a client is told of a backend's failure, and what it is not told.
#include "tallybus/error_event.h"

#include <gtest/gtest.h>

#include "tests/support/event_builder.h"

namespace tallybus {
namespace {

const absl::Time kNow = absl::FromUnixMillis(1'769'903'999'123);

Event Cause() {
  Event cause = testing::StatusEvent("b4e7", "PUBLISHING");
  cause.id = {0x2a, 7};
  return cause;
}

TEST(ErrorEventTest, SaysWhatFailedInItsFixedOrder) {
  const Event error = MakeErrorEvent(
      Cause(),
      {.route = "defaultApp/backend", .http_status = 500, .info = "Internal", .attempt = 1}, kNow);
  EXPECT_EQ(error.json,
            R"({"nodeId":"node-1","appKey":"defaultApp","sessionId":"session-1",)"
            R"("mediaSessionId":"media-b4e7","name":"b4e7","method":"StreamStatusEvent",)"
            R"("eventId":"000000000000002a-7","route":"defaultApp/backend","status":"FAILED",)"
            R"("httpStatus":500,"info":"Internal","attempt":1,"final":true,)"
            R"("time":"2026-01-31T23:59:59.123Z"})");
}

TEST(ErrorEventTest, LeavesTheHttpStatusOutWhereNoAnswerCame) {
  const Event error = MakeErrorEvent(
      Cause(), {.route = "r", .info = "waiting", .attempt = 0, .final = false}, kNow);
  EXPECT_EQ(error.json.find("httpStatus"), std::string::npos);
  EXPECT_NE(error.json.find(R"("info":"waiting","attempt":0,"final":false)"), std::string::npos);
}

TEST(ErrorEventTest, IsAnEventOfItsCausesSessionMadeByTheRouter) {
  const Event error = MakeErrorEvent(Cause(), {.route = "r", .info = ""}, kNow);
  EXPECT_EQ(error.method, kErrorEvent);
  EXPECT_EQ(error.id, EventId());
  EXPECT_EQ(error.session_id, "session-1");
  EXPECT_EQ(error.media_session_id, "media-b4e7");
  EXPECT_EQ(error.name, "b4e7");
  EXPECT_EQ(error.app_key, "defaultApp");
  EXPECT_EQ(error.status, "FAILED");
  EXPECT_EQ(error.time, kNow);
  EXPECT_TRUE(error.from_router);
  EXPECT_FALSE(error.terminal) << "it ends no lane";
}

TEST(ErrorEventTest, InfoIsEscaped) {
  const Event error = MakeErrorEvent(Cause(), {.route = "r", .info = "a\"b\\\n"}, kNow);
  EXPECT_NE(error.json.find(R"("info":"a\"b\\\n",)"), std::string::npos);
}

TEST(FailureInfoTest, IsThePhraseWhereTheAnswerIsNotStatusAndReasonAlone) {
  for (const char* answer : {"", "not JSON", "[]", "{}", R"({"reason":"no"})", R"({"status":1})",
                             R"({"status":1,"reason":"no","more":1})", R"({"status":1,"reason":5})",
                             R"({"status":1,"reason":null})", R"({"reason":"a","reason":"b"})",
                             R"({"Status":1,"reason":"no"})"}) {
    EXPECT_EQ(FailureInfo("Forbidden", answer), "Forbidden") << answer;
  }
}

TEST(FailureInfoTest, IsTheReasonOfAnAnswerOfStatusAndReason) {
  EXPECT_EQ(FailureInfo("Forbidden", R"({"status":403,"reason":"no such room"})"), "no such room");
  EXPECT_EQ(FailureInfo("Forbidden", R"( { "reason" : "a\n\u00e9" , "status" : {} } )"), "a\né");
}

TEST(FailureInfoTest, IsCutAtACharactersEnd) {
  const std::string text = std::string(255, 'x') + "é";
  EXPECT_EQ(FailureInfo(text, ""), std::string(255, 'x'));
  EXPECT_EQ(FailureInfo("", R"({"status":1,"reason":")" + text + R"("})"), std::string(255, 'x'));
  EXPECT_EQ(FailureInfo(std::string(254, 'x') + "é", ""), std::string(254, 'x') + "é");
  EXPECT_EQ(FailureInfo(std::string(253, 'x') + "\U0001F600", ""), std::string(253, 'x'));
  EXPECT_EQ(FailureInfo(std::string(256, 'x'), ""), std::string(256, 'x'));
}

TEST(FailureInfoTest, IsUtf8WhateverThePeerSent) {
  EXPECT_EQ(FailureInfo("caf\xe9 \xff", ""), "caf? ?");
  EXPECT_EQ(FailureInfo(std::string(300, '\x80'), ""), std::string(256, '?'));
  EXPECT_EQ(FailureInfo("é is \xc3", ""), "?? is ?") << "a phrase that is broken is taken as bytes";
}

}  // namespace
}  // namespace tallybus
