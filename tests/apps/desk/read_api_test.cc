// What a backend may ask: answered on the router's thread, page by page, and nothing secret in it.
#include "apps/desk/read_api.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/core/router_bench.h"

namespace tallybus::desk {
namespace {

using tallybus::testing::StatusEvent;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ReadApiTest : public tallybus::testing::RouterBench {
 protected:
  HttpAnswer Ask(const std::string& name, const std::string& query = "") {
    std::optional<HttpAnswer> answer;
    HttpRequest request;
    request.method = "GET";
    request.path = "/api/v1/" + name;
    request.query = query;
    for (const WebRoute& route : ReadRoutes(*router, clock)) {
      if (route.path != request.path) continue;
      EXPECT_EQ(route.method, "GET");
      route.async_handler(request, [&](HttpAnswer got) { answer = std::move(got); });
    }
    Run();
    return answer.value_or(TextAnswer404());
  }
  static HttpAnswer TextAnswer404() {
    HttpAnswer none;
    none.status = 404;
    return none;
  }
};

TEST_F(ReadApiTest, AStreamComesWithThePlaceFromWhichOnEventsAreNewer) {
  Send(StatusEvent("cam 1", "PUBLISHING"));
  const std::string body = Ask("streams").body;
  EXPECT_THAT(body, StartsWith(R"({"as_of":1,"streams":[{"stream":{)"));
  EXPECT_THAT(body, HasSubstr(R"("lane":"defaultApp/cam%201","sequence":1,"told":true}])"))
      << "as the header has it";
  EXPECT_THAT(body, Not(HasSubstr("next")));
  EXPECT_THAT(Ask("streams", "status=PAUSED").body, HasSubstr(R"("streams":[])"));
}

TEST_F(ReadApiTest, ASessionsConfigIsToldAsConnectAnsweredIt) {
  SessionChange opened = testing::OpenSession(
      "s1", R"({"StreamStatusEvent":{"restOnError":"FAIL","restExclude":"sdp, x"}})");
  opened.epoch = 5;
  Send(opened);
  EXPECT_THAT(Ask("sessions").body,
              HasSubstr(R"("restClientConfig":{"StreamStatusEvent":{"restExclude":"sdp,x",)"
                        R"("restOnError":"FAIL","restPolicy":"NOTIFY"}})"));
}

TEST_F(ReadApiTest, PagesGoOnBehindNext) {
  for (const char* name : {"a", "b", "c"}) Send(StatusEvent(name, "PUBLISHING"));
  EXPECT_THAT(Ask("streams", "limit=2").body, HasSubstr(R"("next":"media-b")"));
  const std::string rest = Ask("streams", "limit=2&after=media-b").body;
  EXPECT_THAT(rest, HasSubstr("media-c"));
  EXPECT_THAT(rest, Not(HasSubstr("media-a")));
  AddRoute(NewOtherRoute("billing"));
  EXPECT_THAT(Ask("endpoints", "limit=1").body, HasSubstr(R"("next":"billing")"));
  EXPECT_THAT(Ask("endpoints", "limit=1&after=billing").body,
              HasSubstr(R"("route":"defaultApp/backend")"));
}

TEST_F(ReadApiTest, NothingThatLooksLikeACredentialIsTold) {
  Event event = StatusEvent("a", "PUBLISHING");
  event.json = absl::StrReplaceAll(
      event.json, {{"{", R"({"custom":{"authToken":"s3cret"},"sipPassword":"s3cret",)"}});
  Send(std::move(event));
  EXPECT_THAT(Ask("streams").body, Not(HasSubstr("s3cret")));
  auto route = NewRoute();
  route->endpoint.url = "https://name:s3cret@host:8443/path/@x?key=s3cret#s3cret";
  SetRoute(route);
  const std::string endpoints = Ask("endpoints").body;
  EXPECT_THAT(endpoints, HasSubstr(R"("url":"https://host:8443/path/@x")"));
  EXPECT_THAT(endpoints, Not(HasSubstr("s3cret")));
}

TEST_F(ReadApiTest, DeadLettersAreToldWithoutTheirBodies) {
  auto route = NewRoute();
  route->retry.kind = RetrySchedule::Kind::kNone;
  SetRoute(route);
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, DeliveryResult());
  Run();
  const std::string body = Ask("dead-letters", "stream=a").body;
  EXPECT_THAT(body, HasSubstr(R"("state":"dead")"));
  EXPECT_THAT(body, HasSubstr(R"("stream":"a")"));
  EXPECT_THAT(body, Not(HasSubstr("\"event\"")));
  EXPECT_EQ(Ask("dead-letters", "route=billnig").status, 404) << "a misspelt route is told";
}

TEST_F(ReadApiTest, AWrongParameterIsNamedWithTheMend) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"streams?colour=red", "'colour' here; it may be app, node, status, session, name"},
      {"streams?app=", "app: is empty; name one, or leave it out"},
      {"streams?limit=501", "'limit' must be a whole number from 1 to 500"},
      {"sessions?name=x", "'name' here; it may be app, node, status, session, after, limit"},
      {"endpoints?limit=0", "'limit' must be"},
      {"dead-letters?bodies=1", "'bodies' here"},
      {"dead-letters?after=x", "'after' must be"},
      {"dead-letters?since=yesterday", "since: 'yesterday' is neither a time such as"},
      {"streams?app=a&app=b", "'app' comes twice"},
      {"trace?", "of: an event's id"}};
  for (const auto& [question, sentence] : kWrong) {
    const std::string text = question;
    const size_t mark = text.find('?');
    const HttpAnswer answer = Ask(text.substr(0, mark), text.substr(mark + 1));
    EXPECT_EQ(answer.status, 400) << question;
    EXPECT_THAT(answer.body, HasSubstr(sentence)) << question;
  }
}

TEST_F(ReadApiTest, TheDocumentIsServedWithTheApi) {
  EXPECT_THAT(Ask("openapi.json").body, HasSubstr(R"("openapi": "3.1.0")"));
}

}  // namespace
}  // namespace tallybus::desk
