// The frames of the wcs dialect, both ways.
#include "transports/web/wcs_dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

#include "transports/web/tallybus_v1.h"

namespace tallybus::wcs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// As tests of the SDK show it, shortened.
constexpr char kConnection[] =
    R"({"message":"connection","data":[{"appKey":"live","mediaProviders":["WebRTC","MSE"],)"
    R"("clientVersion":"2.0","clientBrowserVersion":"Mo\"zilla","authToken":"secret",)"
    R"("custom":{"user":"A","n":[1,2.5,null]}}]})";

std::string Wrong(std::string_view text) { return std::string(ReadFrame(text).status().message()); }

std::vector<std::string> AnswersTo(std::string_view text) {
  const auto frame = ReadFrame(text);
  if (!frame.ok() || !std::holds_alternative<Unserved>(*frame)) return {"none"};
  return std::get<Unserved>(*frame).answers;
}

// The whole frame that an event is told with.
std::string Told(std::string_view event, std::string_view json) {
  Notification notification;
  notification.message = event;
  notification.json = json;
  const ClientMessagePtr message = tallybus_v1::MakeMessage(notification);
  const std::optional<Frame> frame = FrameOf(message->name, message->tail);
  return frame ? frame->head + std::string(frame->tail) : "nothing";
}

TEST(WcsDialectTest, AConnectionSaysWhoItIsAndTheRestIsKeptAsItCame) {
  const auto frame = ReadFrame(kConnection);
  ASSERT_TRUE(frame.ok()) << frame.status();
  const auto& connection = std::get<Connection>(*frame);
  EXPECT_EQ(connection.app_key, "live");
  EXPECT_EQ(connection.auth_token, "secret");
  EXPECT_EQ(connection.further,
            R"("mediaProviders":["WebRTC","MSE"],"clientVersion":"2.0",)"
            R"("clientBrowserVersion":"Mo\"zilla","custom":{"user":"A","n":[1,2.5,null]})");
}

TEST(WcsDialectTest, AClientDoesNotSayWhatTheGatewaySays) {
  const auto frame =
      ReadFrame(R"({"message":"connection","data":[{"nodeId":"x","session\u0049d":"y","custom":1,)"
                R"("restClientC\u006fnfig":{},)"
                R"("authToken":null}]})");
  const auto& connection = std::get<Connection>(*frame);
  EXPECT_EQ(connection.app_key, "defaultApp");
  EXPECT_EQ(connection.auth_token, "");
  EXPECT_EQ(connection.further, R"("custom":1)");
}

TEST(WcsDialectTest, AnAcceptedClientGetsBackWhatItSentWithATokenAndItsSession) {
  const auto connection = std::get<Connection>(*ReadFrame(kConnection));
  EXPECT_EQ(UserData(connection, "to\"ken", "web/1"),
            R"({"message":"getUserData","data":[{"appKey":"live",)" + connection.further +
                R"(,"authToken":"to\"ken","sessionId":"web/1"}]})");
  EXPECT_EQ(
      UserData({"app", "", ""}, "t", "s"),
      R"({"message":"getUserData","data":[{"appKey":"app","authToken":"t","sessionId":"s"}]})");
}

TEST(WcsDialectTest, EachMalformedFrameIsToldByWhatIsWrongAndWithoutItsBytes) {
  const std::string deep = R"({"message":"connection","data":[{"custom":)" + std::string(70, '[') +
                           std::string(70, ']') + "}]}";
  const std::string long_key =
      R"({"message":"connection","data":[{"appKey":")" + std::string(513, 'k') + R"("}]})";
  const std::pair<std::string, std::string> kWrong[] = {
      {"", "no JSON object"},
      {"[]", "no JSON object"},
      {"{} secret", "no JSON object"},
      {deep, "no JSON object"},
      {R"({"data":[{}]})", "message is no text"},
      {R"({"message":"connection"})", "data is no array of an object"},
      {R"({"message":"connection","data":[]})", "data is no array of an object"},
      {R"({"message":"connection","data":[null]})", "data is no array of an object"},
      {R"({"message":"connection","data":{}})", "data is no array of an object"},
      {long_key, "appKey is over 512 bytes"},
  };
  for (const auto& [text, what] : kWrong) EXPECT_THAT(Wrong(text), HasSubstr(what)) << text;
}

TEST(WcsDialectTest, AFirstFrameIsKnownByItsMessage) {
  EXPECT_TRUE(IsConnection(kConnection));
  EXPECT_TRUE(IsConnection(R"({"message":"connection"})"));
  EXPECT_FALSE(IsConnection(R"({"message":"Watch","data":[{"session":"connection"}]})"));
  EXPECT_FALSE(IsConnection(""));
}

TEST(WcsDialectTest, SignsOfLifeAndLogsNeedNoMore) {
  EXPECT_TRUE(std::holds_alternative<Heard>(*ReadFrame(R"({"message":"pong","data":[null]})")));
  EXPECT_TRUE(
      std::holds_alternative<Heard>(*ReadFrame(R"({"message":"pushLogs","data":[{"logs":"x"}]})")))
      << "answered, it would be logged, and that sent again";
  EXPECT_TRUE(std::holds_alternative<Ping>(*ReadFrame(R"({"message":"ping","data":[null]})")));
  EXPECT_EQ(PingFrame(), R"({"message":"ping","data":[]})");
  EXPECT_EQ(PongFrame(), R"({"message":"pong","data":[]})");
}

TEST(WcsDialectTest, MediaIsRefusedByTheStatusThatTheStreamWaitsFor) {
  for (const char* message : {"publishStream", "playStream"}) {
    EXPECT_THAT(AnswersTo(R"({"message":")" + std::string(message) +
                          R"(","data":[{"mediaSessionId":"m\"1","sdp":"v=0"}]})"),
                ElementsAre(R"({"message":"notifyStreamStatusEvent","data":[{"mediaSessionId":)"
                            R"("m\"1","status":"FAILED",)"
                            R"("info":"tallybus does not carry media signalling"}]})"));
  }
}

TEST(WcsDialectTest, OtherMessagesFailAndWhoWaitsForAnAnswerHasOne) {
  constexpr char kFail[] =
      R"({"message":"fail","data":[{"status":"FAILED","info":"tallybus does not serve )";
  EXPECT_THAT(AnswersTo(R"({"message":"hangup","data":[{"callId":"c"}]})"),
              ElementsAre(kFail + std::string(R"(hangup"}]})")));
  EXPECT_THAT(AnswersTo(R"({"message":"publishStream","data":[{}]})"), SizeIs(1));
  EXPECT_THAT(AnswersTo(R"({"message":"x"})"), SizeIs(1));
  EXPECT_THAT(AnswersTo(R"({"message":"\u0000\"é","data":7})"),
              ElementsAre(kFail + std::string(R"(\\x00\"\\xc3\\xa9"}]})")));
  EXPECT_THAT(
      AnswersTo(R"({"message":"sendData","data":[{"operationId":"o","payload":1}]})"),
      ElementsAre(R"({"message":"DataStatusEvent","data":[{"operationId":"o","status":"FAILED",)"
                  R"("info":"tallybus does not serve sendData"}]})",
                  kFail + std::string(R"(sendData"}]})")));
  EXPECT_THAT(AnswersTo(R"({"message":"call","data":[{"callId":"c"}]})")[0],
              HasSubstr(R"("finish","data":[{"callId":"c","status":"FAILED")"));
  EXPECT_THAT(AnswersTo(R"({"message":"availableStream","data":[{"mediaSessionId":"m"}]})")[0],
              HasSubstr(R"("availableStream","data":[{"id":"m","status":"false")"));
}

TEST(WcsDialectTest, EachEventGoesUnderTheNameThatTheSdkKnows) {
  struct Case {
    const char* event;
    const char* status;
    const char* message;
  };
  constexpr Case kCases[] = {
      {"StreamStatusEvent", "PUBLISHING", "notifyStreamStatusEvent"},
      {"StreamEvent", "", "notifyStreamEvent"},
      {"CallStatusEvent", "TRYING", "notifyTryingResponse"},
      {"CallStatusEvent", "SESSION_PROGRESS", "notifyTryingResponse"},
      {"CallStatusEvent", "A_NEW_ONE", "notifyTryingResponse"},
      {"CallStatusEvent", "RING", "ring"},
      {"CallStatusEvent", "RING_MEDIA", "ring"},
      {"CallStatusEvent", "ESTABLISHED", "talk"},
      {"CallStatusEvent", "HOLD", "hold"},
      {"CallStatusEvent", "FINISH", "finish"},
      {"CallStatusEvent", "BUSY", "finish"},
      {"CallStatusEvent", "FAILED", "finish"},
      {"TransferStatusEvent", "PENDING", "notifyTransferEvent"},
      {"RegistrationStatusEvent", "REGISTERED", "registered"},
      {"RegistrationStatusEvent", "UNREGISTERED", "RegistrationStatusEvent"},
      {"RegistrationStatusEvent", "AUTHENTICATION_FAIL", "RegistrationStatusEvent"},
      {"DataStatusEvent", "ACCEPTED", "DataStatusEvent"},
      {"OnDataEvent", "", "OnDataEvent"},
      {"SessionDebugStatusEvent", "STARTED", "notifySessionDebugEvent"},
      {"ConnectionStatusEvent", "ESTABLISHED", "ConnectionStatusEvent"},
      {"StreamKeepAliveEvent", "PUBLISHING", "StreamKeepAliveEvent"},
      {"MessageStatusEvent", "SENT", "MessageStatusEvent"},
      {"BugReportStatusEvent", "", "BugReportStatusEvent"},
      {"SubscriptionStatusEvent", "", "SubscriptionStatusEvent"},
      {"XcapStatusEvent", "", "XcapStatusEvent"},
      {"RecordingStatusEvent", "", "RecordingStatusEvent"},
  };
  for (const Case& each : kCases) {
    std::string json = R"({"callId":"\"data\":[","n":1)";
    if (each.status[0] != '\0') json += R"(,"status":")" + std::string(each.status) + '"';
    json += "}";
    EXPECT_EQ(Told(each.event, json),
              R"({"message":")" + std::string(each.message) + R"(","data":[)" + json + "]}");
    // The other dialect's name is the event's own.
    Notification notification;
    notification.message = each.event;
    notification.json = json;
    EXPECT_THAT(tallybus_v1::MakeMessage(notification)->tail,
                HasSubstr(R"("message":")" + std::string(each.event) + R"(",)"));
  }
}

TEST(WcsDialectTest, AFailedHookWarnsAndEndsNoStream) {
  EXPECT_EQ(
      Told("ErrorEvent", R"({"apiMethod":"StreamStatusEvent","id":"m1","mediaSessionId":"m1",)"
                         R"("status":"FAILED","info":"no \"such\" user","httpStatus":403})"),
      R"({"message":"fail","data":[{"mediaSessionId":"m1","status":"FAILED",)"
      R"("info":"no \"such\" user","httpStatus":403}]})");
}

TEST(WcsDialectTest, ASnapshotIsStatusesAndAGapIsTold) {
  const auto told = [](std::string_view name, const std::string& tail) -> std::string {
    const std::optional<Frame> frame = FrameOf(name, tail);
    return frame ? frame->head + std::string(frame->tail) : "nothing";
  };
  EXPECT_EQ(told("Snapshot", tallybus_v1::SnapshotTails({{R"({"a":1})", R"({"b":2})"}, true})[0]),
            R"({"message":"notifyStreamStatusEvent","data":[{"a":1},{"b":2}]})");
  EXPECT_EQ(told("Snapshot", tallybus_v1::SnapshotTails({})[0]), "nothing");
  EXPECT_EQ(told("Resumed", tallybus_v1::ResumedTail()), "nothing");
  EXPECT_EQ(told("Gap", tallybus_v1::GapTail(12)), R"({"message":"Gap","data":[{"missed":12}]})");
}

TEST(WcsDialectTest, AnEventIsSharedNotCopied) {
  Notification notification;
  notification.message = "StreamStatusEvent";
  notification.json = R"({"status":"PLAYING"})";
  const ClientMessagePtr message = tallybus_v1::MakeMessage(notification);
  const std::string_view tail = FrameOf(message->name, message->tail)->tail;
  EXPECT_EQ(tail.data() + tail.size(), message->tail.data() + message->tail.size());
}

}  // namespace
}  // namespace tallybus::wcs
