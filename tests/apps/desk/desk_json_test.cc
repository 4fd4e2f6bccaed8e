// What the desk says as JSON: valid whatever names hold, and without credentials.
#include "apps/desk/desk_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::desk {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

StoredPage PageOf(const std::string& json) {
  auto event = std::make_shared<Event>();
  event->id = {.epoch = 1, .sequence = 2};
  event->method = "StreamStatusEvent";
  event->name = "a \"b\"\n";
  event->json = json;
  auto row = std::make_shared<SpoolRow>();
  row->seq = 7;
  row->event = std::move(event);
  StoredRow stored;
  stored.row = std::move(row);
  stored.route = "defaultApp/backend";
  stored.state = StoredRow::State::kDead;
  stored.http_status = 400;
  stored.reason = "Bad Request";
  stored.at = absl::UnixEpoch();
  StoredPage page;
  page.rows.push_back(std::move(stored));
  page.next = 7;
  return page;
}

TEST(DeskJsonTest, WritesAPageWithItsRows) {
  const std::string json = PageJson(PageOf("{}"), {});
  EXPECT_THAT(json, HasSubstr(R"("row":7,"state":"dead","id":"0000000000000001-2")"));
  EXPECT_THAT(json, HasSubstr(R"("stream":"a \"b\"\n")"));
  EXPECT_THAT(json, HasSubstr(R"("httpStatus":400,"reason":"Bad Request","settled":"1970-)"));
  EXPECT_THAT(json, HasSubstr(R"("next":7})"));
  EXPECT_THAT(json, Not(HasSubstr("\"event\":")));
}

TEST(DeskJsonTest, LeavesCredentialsOutOfBodiesUnlessTheyAreToBeRevealed) {
  const StoredPage page = PageOf(R"({"sdp":"ice-pwd","custom":{"apiToken":"t0p"},"bitrate":5})");
  const std::string shown = PageJson(page, {.bodies = true, .reveal = false});
  EXPECT_THAT(shown, HasSubstr(R"("event":{"sdp":"***","custom":{"apiToken":"***"},"bitrate":5})"));
  EXPECT_THAT(PageJson(page, {.bodies = true, .reveal = true}), HasSubstr("t0p"));
}

TEST(DeskJsonTest, RedactsAtAnyDepthAndKeepsTheRest) {
  EXPECT_EQ(Redacted(R"({"a":[{"PassWord":{"x":1}},1.5,null],"tokens":[1]})"),
            R"({"a":[{"PassWord":"***"},1.5,null],"tokens":"***"})");
}

TEST(DeskJsonTest, SaysWhatAnEndpointIs) {
  EndpointStatus endpoint;
  endpoint.route = "billing";
  endpoint.state = "held";
  endpoint.waiting = 3;
  endpoint.breaker = "open";
  endpoint.oldest = absl::UnixEpoch();
  endpoint.last_error = "503 \"no\"";
  endpoint.held_methods.push_back(
      {"DataStatusEvent", 404, absl::UnixEpoch(), absl::InfiniteFuture(), "answer 404"});
  const std::string json = EndpointsJson({endpoint});
  EXPECT_THAT(json, HasSubstr(R"("route":"billing")"));
  EXPECT_THAT(json, HasSubstr(R"("waiting":3)"));
  EXPECT_THAT(json, HasSubstr(R"("breaker":"open","oldest":"1970-01-01T00:00:00.000Z",)"
                              R"("lastError":"503 \"no\"")"));
  EXPECT_THAT(
      json,
      HasSubstr(
          R"({"method":"DataStatusEvent","httpStatus":404,"reason":"answer 404","since":"1970-)"));
  EXPECT_THAT(json, Not(HasSubstr("nextTry"))) << "not by time alone";
}

TEST(DeskJsonTest, SaysWhatATestBrought) {
  EndpointTestResult test;
  test.result.verdict = Verdict::kDelivered;
  test.result.remote_code = 200;
  test.result.connection_reused = true;
  test.took = absl::Milliseconds(2);
  EXPECT_THAT(TestJson(test), HasSubstr(R"("delivered":true,"httpStatus":200)"));
  EXPECT_THAT(TestJson(test), HasSubstr(R"("milliseconds":2.000,"connectionReused":true)"));
}

TEST(DeskJsonTest, ListsAlerts) {
  EXPECT_EQ(AlertsJson({{"SpoolFault", "spool", true, "no space", absl::UnixEpoch()}}),
            R"({"alerts":[{"alert":"SpoolFault","subject":"spool","severity":"critical",)"
            R"("since":"1970-01-01T00:00:00.000Z","text":"no space"}]})");
}

}  // namespace
}  // namespace tallybus::desk
