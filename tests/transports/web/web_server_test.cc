// The web port as its clients see it: paths, methods, bounds.
#include "transports/web/web_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/transports/web/web_client.h"

namespace tallybus {
namespace {

using ::testing::AllOf;
using testing::Fetch;
using ::testing::HasSubstr;
using testing::RawConnection;
using testing::Reply;
using testing::Request;
using ::testing::StartsWith;

class WebServerTest : public ::testing::Test {
 protected:
  WebServer::Options OptionsWith(WebHandler handler) {
    WebServer::Options options;
    options.listen = "127.0.0.1:0";
    options.handlers["/page"] = std::move(handler);
    return options;
  }

  std::unique_ptr<WebServer> StartOrDie(WebServer::Options options) {
    absl::StatusOr<std::unique_ptr<WebServer>> server =
        WebServer::Start(std::move(options), metrics_);
    EXPECT_TRUE(server.ok()) << server.status();
    return *std::move(server);
  }

  std::unique_ptr<WebServer> StartWithPage() {
    return StartOrDie(OptionsWith([](const HttpRequest&) {
      HttpAnswer answer;
      answer.body = "the page";
      return answer;
    }));
  }

  uint64_t Refused(const std::string& reason) {
    return metrics_.GetCounter("tallybus_web_refused_total", "", {{"reason", reason}}).Value();
  }

  Metrics metrics_;
};

std::string Url(const WebServer& server, const std::string& target) {
  return "http://" + server.address() + target;
}

TEST_F(WebServerTest, ServesAPathByItsHandlerAndGivesItTheQuery) {
  std::string query;
  std::unique_ptr<WebServer> server = StartOrDie(OptionsWith([&](const HttpRequest& request) {
    query = request.query;
    HttpAnswer answer;
    answer.status = 503;
    answer.headers = {{"X-Kind", "test"}};
    answer.body = "busy";
    return answer;
  }));
  const Reply reply = Fetch(Url(*server, "/page?a=1"));
  server->Stop();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "busy");
  EXPECT_THAT(reply.headers, HasSubstr("X-Kind: test\r\n"));
  EXPECT_EQ(query, "a=1");
}

TEST_F(WebServerTest, AnswersAnUnknownPathWith404) {
  std::unique_ptr<WebServer> server = StartWithPage();
  EXPECT_EQ(Fetch(Url(*server, "/pages")).status, 404);
}

TEST_F(WebServerTest, AnswersAnotherMethodWith405AndNamesTheOneThatIsAllowed) {
  std::unique_ptr<WebServer> server = StartWithPage();
  const Reply reply = Fetch(Url(*server, "/page"), {.method = "POST", .headers = {}, .body = "x"});
  EXPECT_EQ(reply.status, 405);
  EXPECT_THAT(reply.headers, HasSubstr("Allow: GET\r\n"));
}

TEST_F(WebServerTest, ServesManyRequestsOnOneConnection) {
  std::unique_ptr<WebServer> server = StartWithPage();
  RawConnection connection(server->address());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(connection.Send("GET /page HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(connection.ReadThrough("the page"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  EXPECT_EQ(metrics_.GetCounter("tallybus_web_requests_total", "").Value(), 3u);
}

TEST_F(WebServerTest, RefusesHeadersAboveTheirLimitWith431) {
  std::unique_ptr<WebServer> server = StartWithPage();
  Request request;
  request.headers = {"X-Long: " + std::string(9000, 'a')};
  const Reply reply = Fetch(Url(*server, "/page"), request);
  EXPECT_EQ(reply.status, 431);
  EXPECT_EQ(Refused("headers"), 1u);
}

TEST_F(WebServerTest, TakesABodyAtItsLimitAndRefusesAByteMoreWith413) {
  std::unique_ptr<WebServer> server = StartWithPage();
  Request request{.method = "POST", .headers = {}, .body = std::string(64 << 10, 'a')};
  EXPECT_EQ(Fetch(Url(*server, "/page"), request).status, 405);
  request.body += 'a';
  EXPECT_EQ(Fetch(Url(*server, "/page"), request).status, 413);
  EXPECT_EQ(Refused("body"), 1u);
}

TEST_F(WebServerTest, AnswersWhatIsNotHttpWith400AndEndsTheConnection) {
  std::unique_ptr<WebServer> server = StartWithPage();
  RawConnection connection(server->address());
  ASSERT_TRUE(connection.Send("\x16\x03\x01 this is no request\r\n\r\n"));
  int error = -1;
  EXPECT_THAT(connection.ReadToEnd(&error), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(error, 0);
  EXPECT_EQ(Refused("malformed"), 1u);
}

TEST_F(WebServerTest, EndsAConnectionWhoseRequestNeverArrives) {
  WebServer::Options options = OptionsWith([](const HttpRequest&) { return HttpAnswer(); });
  options.idle_timeout = absl::Seconds(2);
  std::unique_ptr<WebServer> server = StartOrDie(std::move(options));
  int error = -1;
  RawConnection silent(server->address());
  silent.ReadToEnd(&error);
  EXPECT_EQ(error, 0);
  RawConnection slow(server->address());
  ASSERT_TRUE(slow.Send("GET /page HTTP/1.1\r\nHost:"));
  EXPECT_EQ(slow.ReadToEnd(&error), "");
  EXPECT_EQ(error, 0);
  // The connection ends a moment before it is counted.
  for (int i = 0; i < 60'000 && Refused("timeout") == 0; ++i) usleep(1000);
  EXPECT_EQ(Refused("timeout"), 1u) << "the silent one lost no request";
}

TEST_F(WebServerTest, ClosesConnectionsAboveTheirLimitAndTakesNewOnesOnceOthersEnd) {
  WebServer::Options options = OptionsWith([](const HttpRequest&) { return HttpAnswer(); });
  options.max_connections = 1;
  std::unique_ptr<WebServer> server = StartOrDie(std::move(options));
  auto first = std::make_unique<RawConnection>(server->address());
  ASSERT_TRUE(first->Send("GET /page HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_THAT(first->ReadThrough("\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  RawConnection second(server->address());
  int error = -1;
  EXPECT_EQ(second.ReadToEnd(&error), "");
  EXPECT_EQ(Refused("connections"), 1u);
  first.reset();
  long status = 0;
  for (int i = 0; i < 1000 && status != 200; ++i) status = Fetch(Url(*server, "/page")).status;
  EXPECT_EQ(status, 200);
}

TEST_F(WebServerTest, NamesSettingAddressAndMendWhereTheAddressIsInUse) {
  std::unique_ptr<WebServer> server = StartWithPage();
  WebServer::Options options;
  options.listen = server->address();
  const absl::Status status = WebServer::Start(std::move(options), metrics_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("listen.web"), HasSubstr(server->address()), HasSubstr("in use"),
                    HasSubstr("choose another port")));
}

TEST_F(WebServerTest, RefusesTextThatIsNoAddress) {
  for (const char* listen : {"", "5580", ":5580", "127.0.0.1:", "127.0.0.1:65536", "a b:1"}) {
    WebServer::Options options;
    options.listen = listen;
    const absl::Status status = WebServer::Start(std::move(options), metrics_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << listen;
    EXPECT_THAT(std::string(status.message()), HasSubstr("listen.web")) << listen;
  }
}

TEST_F(WebServerTest, RunsHandlersOnAThreadOfItsOwnThatTakesNoSignal) {
  char name[16] = "";
  bool blocked = false;
  std::unique_ptr<WebServer> server = StartOrDie(OptionsWith([&](const HttpRequest&) {
    pthread_getname_np(pthread_self(), name, sizeof(name));
    sigset_t signals;
    pthread_sigmask(SIG_BLOCK, nullptr, &signals);
    blocked = sigismember(&signals, SIGTERM) == 1 && sigismember(&signals, SIGINT) == 1;
    return HttpAnswer();
  }));
  Fetch(Url(*server, "/page"));
  server->Stop();
  EXPECT_STREQ(name, "tallybus-web");
  EXPECT_TRUE(blocked);
  sigset_t ours;
  pthread_sigmask(SIG_BLOCK, nullptr, &ours);
  EXPECT_EQ(sigismember(&ours, SIGTERM), 0) << "the mask of whoever starts it is left alone";
}

TEST_F(WebServerTest, StopsTwiceAndWithConnectionsOpen) {
  std::unique_ptr<WebServer> server = StartWithPage();
  RawConnection connection(server->address());
  ASSERT_TRUE(connection.Send("GET /page HTTP/1.1\r\nHost: x\r\n\r\n"));
  connection.ReadThrough("the page");
  server->Stop();
  server->Stop();
  int error = -1;
  EXPECT_EQ(connection.ReadToEnd(&error), "");
  EXPECT_FALSE(RawConnection(server->address()).connected());
}

}  // namespace
}  // namespace tallybus
