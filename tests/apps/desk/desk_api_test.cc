// Every question is answered on the router's thread, with a status that says how it went.
#include "apps/desk/desk_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/core/router_bench.h"

namespace tallybus::desk {
namespace {

using ::testing::HasSubstr;

class DeskApiTest : public tallybus::testing::RouterBench {
 protected:
  std::optional<HttpAnswer> Ask(const std::string& method, const std::string& path,
                                const std::string& query = "") {
    std::optional<HttpAnswer> answer;
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.query = query;
    for (const WebRoute& route : DeskRoutes(*router, clock)) {
      if (route.method != method || route.path != path) continue;
      route.async_handler(request, [&](HttpAnswer got) { answer = std::move(got); });
    }
    Run();
    return answer;
  }
};

TEST_F(DeskApiTest, ListsEndpointsAndChangesTheirState) {
  EXPECT_THAT(Ask("GET", "/api/v1/endpoints")->body, HasSubstr("\"state\":\"ready\""));
  const auto paused = Ask("POST", "/api/v1/endpoints/pause",
                          "route=defaultApp%2Fbackend&reason=night%20work&author=me");
  EXPECT_EQ(paused->status, 200);
  EXPECT_THAT(paused->body, HasSubstr(R"("state":"paused","reason":"night work","author":"me")"));
  EXPECT_EQ(Ask("POST", "/api/v1/endpoints/enable", "route=defaultApp%2Fbackend")->status, 409);
  EXPECT_EQ(Ask("POST", "/api/v1/endpoints/pause", "route=nobody")->status, 404);
  EXPECT_EQ(Ask("POST", "/api/v1/endpoints/pause")->status, 400);
}

TEST_F(DeskApiTest, ShowsWhatWaitsAndWhereAnEventIs) {
  Send(tallybus::testing::StatusEvent("cam", "PUBLISHING"));
  EXPECT_THAT(Ask("GET", "/api/v1/spool")->body, HasSubstr("\"stream\":\"cam\""));
  EXPECT_THAT(Ask("GET", "/api/v1/trace", "of=cam")->body, HasSubstr("attempt 1"));
  EXPECT_EQ(Ask("GET", "/api/v1/trace")->status, 400);
  EXPECT_EQ(Ask("GET", "/api/v1/spool", "colour=red")->status, 400);
  EXPECT_THAT(Ask("GET", "/api/v1/alerts")->body, HasSubstr("\"alerts\":[]"));
}

TEST_F(DeskApiTest, RetriesAndDropsDeadLetters) {
  auto route = NewRoute();
  route->retry.kind = RetrySchedule::Kind::kNone;
  SetRoute(route);
  for (const char* name : {"a", "b"}) Send(tallybus::testing::StatusEvent(name, "PUBLISHING"));
  for (size_t i : {0, 1}) transport.Complete(i, DeliveryResult());
  Run();
  EXPECT_THAT(Ask("POST", "/api/v1/spool/retry", "stream=a&dry_run=1")->body,
              HasSubstr("\"replayed\":1"));
  EXPECT_EQ(transport.attempts().size(), 2u);
  EXPECT_THAT(Ask("POST", "/api/v1/spool/retry", "stream=a")->body, HasSubstr("\"replayed\":1"));
  EXPECT_EQ(transport.attempts().size(), 3u);
  EXPECT_THAT(Ask("POST", "/api/v1/spool/drop", "dry_run=1")->body,
              HasSubstr(R"("dropped":1,"dry_run":true)"));
  EXPECT_THAT(Ask("POST", "/api/v1/spool/drop")->body, HasSubstr("\"dropped\":1"));
  EXPECT_THAT(Ask("POST", "/api/v1/spool/drop")->body, HasSubstr("\"dropped\":0"));
}

TEST_F(DeskApiTest, ASwitchThatIsNotUnderstoodSendsAndShowsNothing) {
  for (const char* query : {"dry_run=yes", "dry_run=2"}) {
    for (const char* path : {"/api/v1/spool/retry", "/api/v1/spool/drop", "/api/v1/replay"}) {
      EXPECT_EQ(Ask("POST", path, query)->status, 400) << path << query;
    }
  }
  EXPECT_THAT(Ask("GET", "/api/v1/spool", "reveal=no")->body, HasSubstr("reveal: 'no' is neither"));
  EXPECT_EQ(Ask("GET", "/api/v1/spool", "bodies=yes")->status, 400);
  EXPECT_EQ(Ask("GET", "/api/v1/spool", "bodies=0&reveal=false")->status, 200);
  EXPECT_THAT(Ask("POST", "/api/v1/replay", "dry_run=0")->body, HasSubstr("\"dry_run\":false"));
}

TEST_F(DeskApiTest, RefusesAParameterThatAVerbHasNoUseOfAndNamesBoth) {
  EXPECT_EQ(Ask("POST", "/api/v1/replay", "limit=1")->status, 400);
  EXPECT_EQ(Ask("POST", "/api/v1/replay", "state=waiting")->status, 400);
  EXPECT_EQ(Ask("POST", "/api/v1/replay", "state=delivered")->status, 200);
  EXPECT_EQ(Ask("POST", "/api/v1/spool/drop", "state=delivered")->status, 400);
  EXPECT_EQ(Ask("POST", "/api/v1/spool/retry", "bodies=1")->status, 400);
  EXPECT_EQ(Ask("GET", "/api/v1/spool", "dry_run=1")->status, 400);
  const auto drop = Ask("POST", "/api/v1/spool/drop", "limit=1");
  EXPECT_EQ(drop->status, 400);
  EXPECT_THAT(drop->body, HasSubstr("POST /api/v1/spool/drop: there is no parameter 'limit'"));
}

TEST_F(DeskApiTest, AMisspeltRouteOrIdIsNotFoundAndAnEmptyOneIs) {
  for (const char* path : {"/api/v1/spool/retry", "/api/v1/spool/drop", "/api/v1/replay"}) {
    EXPECT_THAT(Ask("POST", path, "route=typo")->body, HasSubstr("no route is called \"typo\""));
    EXPECT_EQ(Ask("POST", path, "route=typo")->status, 404);
    EXPECT_EQ(Ask("POST", path, "route=typo&rows=5-9")->status, 404) << "also of some rows";
    EXPECT_THAT(Ask("POST", path, "id=1-2")->body, HasSubstr("no row has the id 1-2"));
    EXPECT_EQ(Ask("POST", path, "route=defaultApp%2Fbackend")->status, 200);
  }
  EXPECT_EQ(Ask("GET", "/api/v1/spool", "route=typo")->status, 404);
  EXPECT_EQ(Ask("GET", "/api/v1/spool", "route=defaultApp%2Fbackend")->status, 200);
  Send(tallybus::testing::StatusEvent("cam", "PUBLISHING"));
  const std::string id = transport.attempts().at(0).event.id.ToString();
  EXPECT_EQ(Ask("POST", "/api/v1/spool/drop", "id=" + id)->status, 200) << "it waits";
  RemoveRoute(tallybus::testing::kApp);
  EXPECT_EQ(Ask("GET", "/api/v1/spool", "route=defaultApp%2Fbackend")->status, 200) << "has rows";
}

}  // namespace
}  // namespace tallybus::desk
