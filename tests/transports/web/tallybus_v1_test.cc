// The frames of the client protocol, both ways.
#include "transports/web/tallybus_v1.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

namespace tallybus::tallybus_v1 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const WatchKey kS1{WatchKey::Kind::kSession, "s1"};
const WatchKey kCam{WatchKey::Kind::kStream, "cam"};
const WatchKey kApp{WatchKey::Kind::kApp, "live"};

bool IsJson(const std::string& text) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  return parser.parse(text).get(object) == simdjson::SUCCESS;
}

std::string Wrong(std::string_view text) { return std::string(ReadFrame(text).status().message()); }

TEST(TallybusV1Test, AWatchNamesSessionsStreamsAndApps) {
  const auto frame = ReadFrame(
      R"( {"message":"Watch","data":[{"session":"s1"},{"stream":"c\u0061m"},{"app":"live"}],)"
      R"("after":"00ab-7","token":"t","later":[1]})");
  ASSERT_TRUE(frame.ok()) << frame.status();
  const auto& watch = std::get<Watch>(*frame);
  EXPECT_THAT(watch.keys, ElementsAre(kS1, kCam, kApp));
  EXPECT_EQ(watch.after, "00ab-7");
  EXPECT_EQ(watch.token, "t");
}

TEST(TallybusV1Test, WhatIsNamedTwiceIsWatchedOnce) {
  const auto frame = ReadFrame(R"({"message":"Watch","data":[{"session":"s1"},{"session":"s1"}]})");
  EXPECT_THAT(std::get<Watch>(*frame).keys, SizeIs(1));
}

TEST(TallybusV1Test, UnwatchAndPingAreRead) {
  const auto unwatch = ReadFrame(R"({"message":"Unwatch","data":[{"stream":"cam"}]})");
  EXPECT_THAT(std::get<Unwatch>(*unwatch).keys, ElementsAre(kCam));
  EXPECT_TRUE(std::holds_alternative<Ping>(*ReadFrame(R"({"message":"Ping"})")));
}

TEST(TallybusV1Test, EachMalformedFrameIsToldByWhatIsWrongAndWithoutItsBytes) {
  const std::pair<std::string, std::string> kWrong[] = {
      {"", "no JSON object"},
      {"{", "no JSON object"},
      {"[]", "no JSON object"},
      {"{} secret", "no JSON object"},
      {R"({"message":7})", "message is no text"},
      {R"({"data":[]})", "message is no text"},
      {R"({"message":"secret"})", "message is none of"},
      {R"({"message":"Watch"})", "data is no array"},
      {R"({"message":"Watch","data":{"session":"secret"}})", "data is no array"},
      {R"({"message":"Watch","data":[]})", "data is empty"},
      {R"({"message":"Watch","data":["secret"]})", "no object"},
      {R"({"message":"Watch","data":[{}]})", "is empty"},
      {R"({"message":"Watch","data":[{"secret":"x"}]})", "not one of session"},
      {R"({"message":"Watch","data":[{"session":1}]})", "not one of session"},
      {R"({"message":"Watch","data":[{"session":""}]})", "empty name"},
      {R"({"message":"Watch","data":[{"session":"a","stream":"b"}]})", "not one of session"},
      {R"({"message":"Watch","data":[{"session":"a"}],"after":7})", "after and token"},
      {R"({"message":"Watch","data":[{"session":"a"}],"token":null})", "after and token"},
      {R"({"message":"Unwatch","data":[]})", "data is empty"},
      {"{\"message\":\"Watch\",\"data\":[{\"session\":\"" + std::string(513, 'x') + "\"}]}",
       "over 512"},
  };
  for (const auto& [text, words] : kWrong) {
    EXPECT_THAT(Wrong(text), HasSubstr(words)) << text;
    EXPECT_THAT(Wrong(text), Not(HasSubstr("secret"))) << text;
    EXPECT_LE(Wrong(text).size(), 100u) << text;
  }
}

TEST(TallybusV1Test, NestingWithoutEndIsMalformed) {
  EXPECT_THAT(Wrong(std::string(4000, '[')), HasSubstr("no JSON object"));
  EXPECT_THAT(Wrong("{\"message\":" + std::string(2000, '[') + std::string(2000, ']') + "}"),
              HasSubstr("no JSON object"));
}

TEST(TallybusV1Test, AQueryNamesWhatAFrameDoes) {
  const auto watch = ReadQuery("session=s1&stream=cam&app=live&after=00ab-7");
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_THAT(watch->keys, ElementsAre(kS1, kCam, kApp));
  EXPECT_EQ(watch->after, "00ab-7");
  EXPECT_EQ(ReadQuery("app=live&last_event_id=x-1")->after, "x-1");
  EXPECT_THAT(ReadQuery("")->keys, IsEmpty());
  for (const char* query : {"session=", "sesion=s1", "session=%", "session=a&session=b"}) {
    EXPECT_FALSE(ReadQuery(query).ok()) << query;
  }
}

TEST(TallybusV1Test, AnEventIsOneLineOfJsonWithItsIdAndTime) {
  Notification notification;
  notification.session_id = "s1";
  notification.app_key = "live";
  notification.name = "cam";
  notification.message = "StreamStatusEvent";
  notification.json = "{\r\n \"status\":\"PUBLISHING\\n\"}";
  notification.id = {0xab, 7};
  notification.time = absl::FromUnixMillis(1'700'000'000'123);
  const ClientMessagePtr message = MakeMessage(notification);
  EXPECT_EQ(Head(12) + message->tail,
            R"({"sequence":12,"message":"StreamStatusEvent","id":"00000000000000ab-7",)"
            R"("time":"2023-11-14T22:13:20.123Z","data":[{   "status":"PUBLISHING\n"}]})");
  for (const WatchKey& key : {kS1, kCam, kApp}) EXPECT_TRUE(message->Fits(key)) << key.value;
  EXPECT_FALSE(message->Fits({WatchKey::Kind::kStream, "s1"}));
}

TEST(TallybusV1Test, ASnapshotComesInPieces) {
  EXPECT_THAT(SnapshotTails({}), ElementsAre(R"("message":"Snapshot","data":[]})"));
  LiveStreams many;
  for (int i = 0; i < 257; ++i) many.json.push_back("{\"n\":\n" + std::to_string(i) + "}");
  many.cut = true;
  const auto tails = SnapshotTails(many);
  ASSERT_THAT(tails, SizeIs(2));
  EXPECT_THAT(tails[0], HasSubstr(R"("message":"Snapshot","more":true,"data":[{"n": 0},)"));
  EXPECT_EQ(tails[1], R"("message":"Snapshot","cut":true,"data":[{"n": 256}]})");
  for (const std::string& tail : tails) EXPECT_TRUE(IsJson(Head(1) + tail));
}

TEST(TallybusV1Test, APieceHoldsAtMost64KiBButForOneStreamThatIsLarger) {
  LiveStreams large;
  for (size_t size : {40'000, 40'000, 100'000, 10, 10}) {
    large.json.push_back("\"" + std::string(size, 'x') + "\"");
  }
  const auto tails = SnapshotTails(large);
  ASSERT_THAT(tails, SizeIs(4));
  EXPECT_GT(tails[2].size(), 100'000u);
  for (const std::string& tail : tails) EXPECT_TRUE(IsJson(Head(1) + tail));
}

TEST(TallybusV1Test, GapResumedAndPongAreJson) {
  EXPECT_EQ(Head(9) + GapTail(3), R"({"sequence":9,"message":"Gap","data":[{"missed":3}]})");
  EXPECT_EQ(Head(9) + GapTail(std::nullopt),
            R"({"sequence":9,"message":"Gap","data":[{"missed":null}]})");
  EXPECT_TRUE(IsJson(Head(0) + ResumedTail()));
  EXPECT_EQ(Pong(), R"({"message":"Pong"})");
}

}  // namespace
}  // namespace tallybus::tallybus_v1
