// Which route serves a request: methods, prefixes, asynchronous handlers, names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <string>
#include <thread>

#include "tests/support/scratch_directory.h"
#include "tests/transports/web/web_client.h"
#include "transports/web/answers.h"
#include "transports/web/web_server.h"

namespace tallybus {
namespace {

using testing::Fetch;
using ::testing::HasSubstr;
using testing::Reply;

constexpr char kLetters[] = "/api/v1/dead-letters/";

// Tells what was called and with what.
WebHandler Echo(const std::string& name) {
  return [name](const HttpRequest& request) {
    return JsonAnswer(200,
                      name + "|" + request.path_rest + "|" + request.query + "|" + request.body);
  };
}

class WebServerRoutesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.name = "admin";
    options_.listen = "unix:" + directory_.path() + "/admin.sock";
  }

  void Start() {
    auto server = WebServer::Start(options_, metrics_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  Reply Ask(const std::string& method, const std::string& target, const std::string& body = "") {
    return Fetch("http://localhost" + target, {.method = method,
                                               .headers = {},
                                               .body = body,
                                               .unix_path = directory_.path() + "/admin.sock"});
  }

  std::string Complaint() {
    return std::string(WebServer::Start(options_, metrics_).status().message());
  }

  const testing::ScratchDirectory directory_;
  Metrics metrics_;
  WebServer::Options options_;
  std::unique_ptr<WebServer> server_;
};

TEST_F(WebServerRoutesTest, AMethodAndAPathLeadToTheirHandler) {
  options_.routes = {{"GET", "/api/v1/x", Echo("get"), nullptr},
                     {"POST", "/api/v1/x", Echo("post"), nullptr},
                     {"DELETE", kLetters, Echo("delete"), nullptr}};
  options_.handlers["/healthz"] = Echo("health");
  Start();
  EXPECT_EQ(Ask("GET", "/api/v1/x?a=1").body, "get||a=1|");
  EXPECT_EQ(Ask("POST", "/api/v1/x", "{}").body, "post|||{}");
  EXPECT_EQ(Ask("DELETE", "/api/v1/dead-letters/7").body, "delete|7||");
  EXPECT_EQ(Ask("GET", "/healthz").body, "health|||");
  const Reply refused = Ask("DELETE", "/api/v1/x");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.body, "only GET and POST are served here\n");
  EXPECT_THAT(refused.headers, HasSubstr("Allow: GET, POST\r\n"));
}

TEST_F(WebServerRoutesTest, APrefixServesWhatIsLongerAndHandsTheRestOnDecoded) {
  options_.routes = {{"GET", kLetters, Echo("letter"), nullptr},
                     {"GET", "/api/v1/dead-letters/by-route/", Echo("route"), nullptr},
                     {"GET", "/api/v1/dead-letters/count", Echo("count"), nullptr}};
  Start();
  EXPECT_EQ(Ask("GET", "/api/v1/dead-letters/a%2Fb%20c+d").body, "letter|a/b c+d||");
  EXPECT_EQ(Ask("GET", "/api/v1/dead-letters/by-route/x").body, "route|x||");
  EXPECT_EQ(Ask("GET", "/api/v1/dead-letters/count").body, "count|||");
  EXPECT_EQ(Ask("GET", "/api/v1/dead-letters/counts").body, "letter|counts||");
  EXPECT_EQ(Ask("GET", "/api/v1/dead-letters/").status, 404);
  EXPECT_EQ(Ask("GET", "/api/v1/dead-letters").status, 404);
  const Reply broken = Ask("GET", "/api/v1/dead-letters/100%");
  EXPECT_EQ(broken.status, 400);
  EXPECT_EQ(broken.body, "a % needs two hexadecimal digits behind it\n");
}

TEST_F(WebServerRoutesTest, AnAsynchronousHandlerAnswersFromAThreadOfItsOwn) {
  std::thread worker;
  options_.routes = {{"POST", "/later", nullptr,
                      [&](const HttpRequest& request, const HttpServer::Answer& answer) {
                        worker = std::thread(
                            [answer, body = request.body] { answer(TextAnswer(202, body)); });
                      }}};
  Start();
  const Reply reply = Ask("POST", "/later", "work");
  worker.join();
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body, "work\n");
}

TEST_F(WebServerRoutesTest, AnAnswerThatDoesNotComeIs504AndCountedUnderTheServersName) {
  HttpServer::Answer kept;
  options_.answer_timeout = absl::Milliseconds(20);
  options_.routes = {{"GET", "/stuck", nullptr,
                      [&](const HttpRequest&, HttpServer::Answer answer) { kept = answer; }}};
  Start();
  EXPECT_EQ(Ask("GET", "/stuck").status, 504);
  server_->Stop();
  EXPECT_EQ(metrics_.GetCounter("tallybus_admin_requests_total", "").Value(), 1u);
  EXPECT_EQ(
      metrics_.GetCounter("tallybus_admin_refused_total", "", {{"reason", "answer_late"}}).Value(),
      1u);
}

TEST_F(WebServerRoutesTest, ItsNameIsOnTheThreadAndInTheErrors) {
  char name[16] = "";
  options_.handlers["/"] = [&](const HttpRequest&) {
    pthread_getname_np(pthread_self(), name, sizeof name);
    return HttpAnswer();
  };
  Start();
  EXPECT_EQ(Ask("GET", "/").status, 200);
  EXPECT_THAT(Complaint(), HasSubstr("listen.admin: cannot listen on unix:" + directory_.path()));
  server_->Stop();
  EXPECT_STREQ(name, "tallybus-admin");
}

TEST_F(WebServerRoutesTest, ATableThatContradictsItselfIsRefused) {
  options_.routes = {{"GET", "/x", Echo("a"), nullptr}, {"GET", "/x", Echo("b"), nullptr}};
  EXPECT_EQ(Complaint(), "GET /x: two routes for one method and path");
  options_.routes = {{"GET", "/x", nullptr, nullptr}};
  EXPECT_EQ(Complaint(), "GET /x: needs a handler, and only one");
}

}  // namespace
}  // namespace tallybus
