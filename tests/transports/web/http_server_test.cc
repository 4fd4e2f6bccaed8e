// What the HTTP server does for an owner that does not want to answer.
#include "transports/web/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "tests/transports/web/web_client.h"

namespace tallybus {
namespace {

using testing::Fetch;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawConnection;
using ::testing::StartsWith;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

std::unique_ptr<HttpServer> StartOrDie(HttpServer::Handler handler) {
  HttpServer::Options options;
  options.listen = "127.0.0.1:0";
  options.setting = "test";
  options.thread_name = "test-http";
  options.handler = std::move(handler);
  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(std::move(options));
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

HttpServer::Handler Always(HttpAnswer answer) {
  return [answer](const HttpRequest&) { return answer; };
}

TEST(HttpServerTest, FindsAHeaderInAnyCase) {
  HttpRequest request;
  request.headers = {{"Webhook-Id", "a-1"}, {"webhook-id", "a-2"}};
  EXPECT_EQ(request.Header("WEBHOOK-ID"), "a-1");
  EXPECT_EQ(request.Header("webhook"), "");
}

TEST(HttpServerTest, ResetsTheConnectionWhereTheAnswerIsAReset) {
  HttpAnswer reset;
  reset.fate = HttpAnswer::Fate::kReset;
  std::unique_ptr<HttpServer> server = StartOrDie(Always(reset));
  RawConnection connection(server->address());
  ASSERT_TRUE(connection.Send(kGet));
  int error = 0;
  EXPECT_EQ(connection.ReadToEnd(&error), "");
  EXPECT_EQ(error, ECONNRESET);
}

TEST(HttpServerTest, KeepsTheConnectionOpenWhereTheAnswerIsSilence) {
  std::promise<void> silent;
  HttpAnswer silence;
  silence.fate = HttpAnswer::Fate::kSilence;
  silence.sent = [&] { silent.set_value(); };
  std::unique_ptr<HttpServer> server = StartOrDie(Always(silence));
  const auto reply = Fetch("http://" + server->address() + "/",
                           {.method = "GET", .headers = {}, .body = "", .timeout_ms = 2000});
  EXPECT_EQ(reply.outcome, CURLE_OPERATION_TIMEDOUT);
  EXPECT_EQ(silent.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

TEST(HttpServerTest, SaysWhenAnAnswerHasLeft) {
  std::promise<void> sent;
  HttpAnswer answer;
  answer.sent = [&] { sent.set_value(); };
  std::unique_ptr<HttpServer> server = StartOrDie(Always(answer));
  EXPECT_EQ(Fetch("http://" + server->address() + "/").status, 200);
  EXPECT_EQ(sent.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

TEST(HttpServerTest, SendsNoBodyAndNoLengthWith204) {
  HttpAnswer answer;
  answer.status = 204;
  answer.body = "dropped";
  std::unique_ptr<HttpServer> server = StartOrDie(Always(answer));
  RawConnection connection(server->address());
  ASSERT_TRUE(connection.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  int error = -1;
  const std::string bytes = connection.ReadToEnd(&error);
  EXPECT_THAT(bytes, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(bytes, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(bytes, Not(HasSubstr("dropped")));
}

TEST(HttpServerTest, ListensOnIpv6InBrackets) {
  HttpServer::Options options;
  options.listen = "[::1]:0";
  options.setting = "test";
  options.handler = Always(HttpAnswer());
  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(std::move(options));
  if (absl::IsFailedPrecondition(server.status())) GTEST_SKIP() << "no IPv6 on this machine";
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT((*server)->address(), StartsWith("[::1]:"));
  EXPECT_EQ(Fetch("http://" + (*server)->address() + "/").status, 200);
}

}  // namespace
}  // namespace tallybus
