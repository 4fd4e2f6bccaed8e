// A request read, and shown to people and to scripts.
#include "apps/receive/arrival.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transports/rest/gzip.h"

namespace tallybus::receive {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

HttpRequest WholeRequest() {
  HttpRequest request;
  request.method = "POST";
  request.path = "/apps/EchoApp/StreamStatusEvent";
  request.headers = {{"Webhook-Id", "aa-3"},
                     {"Tallybus-Time", "2026-01-31T23:59:59.123Z"},
                     {"Tallybus-Lane", "defaultApp/cam"},
                     {"Tallybus-Sequence", "3"},
                     {"Tallybus-Attempt", "2"},
                     {"Tallybus-Redelivery", "1"},
                     {"Tallybus-Origin", "router"}};
  request.body = R"({ "name": "cam", "status": "FAILED" })";
  return request;
}

TEST(ArrivalTest, ReadsTheMethodFromThePathAndTheRestFromHeaders) {
  const Arrival arrival = ReadArrival(WholeRequest());
  EXPECT_EQ(arrival.method, "StreamStatusEvent");
  EXPECT_EQ(arrival.id, "aa-3");
  EXPECT_EQ(arrival.sequence, 3u);
  EXPECT_EQ(arrival.attempt, 2u);
  EXPECT_TRUE(arrival.redelivery);
  EXPECT_EQ(arrival.origin, "router");
}

TEST(ArrivalTest, TakesANumberThatIsNoneForAbsent) {
  HttpRequest request = WholeRequest();
  request.headers = {{"tallybus-sequence", "3x"}, {"tallybus-attempt", "-1"}};
  EXPECT_EQ(ReadArrival(request).sequence, 0u);
  EXPECT_EQ(ReadArrival(request).attempt, 0u);
}

TEST(ArrivalTest, ReadsACompressedBodyAsItWas) {
  HttpRequest request = WholeRequest();
  const std::string json = R"({"name":")" + std::string(100, 'x') + R"("})";
  ASSERT_TRUE(rest::Gzip(json, &request.body));
  request.headers.emplace_back("Content-Encoding", "gzip");
  EXPECT_EQ(ReadArrival(request).body, json);
  request.body = "no gzip";
  EXPECT_EQ(ReadArrival(request).body, "no gzip");
}

TEST(ArrivalTest, IsOneJsonObjectWithTheBodyAsAnObject) {
  Arrival arrival = ReadArrival(WholeRequest());
  arrival.answer = "500";
  arrival.hole_before = 2;
  EXPECT_EQ(JsonLine(arrival),
            R"({"method":"StreamStatusEvent","path":"/apps/EchoApp/StreamStatusEvent",)"
            R"("id":"aa-3","lane":"defaultApp/cam","sequence":3,"attempt":2,"redelivery":true,)"
            R"("origin":"router","time":"2026-01-31T23:59:59.123Z","duplicate":false,)"
            R"("hole":true,"answer":"500","body":{"name":"cam","status":"FAILED"}})");
}

TEST(ArrivalTest, ShowsABodyThatIsNoObjectAsAStringToScriptsAndAsAMarkToPeople) {
  HttpRequest request = WholeRequest();
  request.body = "a\nb";
  const Arrival arrival = ReadArrival(request);
  EXPECT_THAT(JsonLine(arrival), EndsWith(R"("body":"a\nb"})"));
  EXPECT_THAT(ReadableLine(arrival, "now"), HasSubstr("[body is no JSON object]"));
}

TEST(ArrivalTest, ShowsWhatIsWrongAsMarks) {
  Arrival arrival = ReadArrival(WholeRequest());
  arrival.duplicate = true;
  arrival.hole_before = 2;
  arrival.answer = "hang";
  EXPECT_THAT(ReadableLine(arrival, "now"),
              EndsWith("attempt 2  -> hang  [redelivery]  [from router]  [duplicate]  "
                       "[hole: #2 was due]"));
}

TEST(ArrivalTest, ShowsTheTimeOfArrivalWhereTheRequestHasNone) {
  HttpRequest request = WholeRequest();
  request.headers.clear();
  EXPECT_THAT(ReadableLine(ReadArrival(request), "now"), StartsWith("now  StreamStatusEvent"));
}

}  // namespace
}  // namespace tallybus::receive
