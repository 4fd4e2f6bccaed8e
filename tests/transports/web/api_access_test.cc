// Who may ask, and who is turned away.
#include "transports/web/api_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr char kSecret[] = "correct horse battery staple";

class ApiAccessTest : public ::testing::Test {
 protected:
  HttpAnswer Ask(const ApiAccess& access, HttpHeaders headers) {
    WebRoute route;
    route.method = "GET";
    route.path = "/x";
    route.async_handler = [](const HttpRequest&, const HttpServer::Answer& answer) {
      HttpAnswer fine;
      fine.body = "inside";
      answer(fine);
    };
    HttpRequest request;
    request.method = "GET";
    request.headers = std::move(headers);
    HttpAnswer got;
    ForThoseWhoMayAsk(access, {route}, metrics)
        .at(0)
        .async_handler(request, [&](HttpAnswer answer) { got = std::move(answer); });
    return got;
  }
  int Status(const ApiAccess& access, HttpHeaders headers) {
    return Ask(access, std::move(headers)).status;
  }
  uint64_t Refused(const std::string& reason) {
    return metrics.GetCounter("tallybus_api_refused_total", "", {{"reason", reason}}).Value();
  }

  Metrics metrics;
};

TEST_F(ApiAccessTest, OnLoopbackTheNameThatIsAskedForMustBeItsOwn) {
  const ApiAccess access{.token = "", .own_hosts = {"127.0.0.5"}};
  for (const char* host : {"localhost:5580", "127.0.0.1", "[::1]:5580", "127.0.0.5:5580"}) {
    EXPECT_EQ(Ask(access, {{"Host", host}}).body, "inside") << host;
  }
  EXPECT_EQ(Status(access, {{"Host", "evil.example"}}), 403);
  EXPECT_EQ(Status(access, {{"Host", "localhost.evil.example"}}), 403);
  EXPECT_EQ(Status(access, {}), 403);
  EXPECT_EQ(Refused("host"), 3u);
}

TEST_F(ApiAccessTest, WhatAProxyForwardsIsNotFromHere) {
  for (const char* header : {"X-Forwarded-For", "Forwarded"}) {
    EXPECT_EQ(Status({}, {{"Host", "localhost"}, {header, "203.0.113.9"}}), 403);
  }
  EXPECT_EQ(Refused("forwarded"), 2u);
}

TEST_F(ApiAccessTest, WhereThereIsASecretItAloneOpensFromAnywhere) {
  const ApiAccess access{.token = kSecret, .own_hosts = {}};
  const HttpHeaders far = {{"Host", "media.example.org"}, {"X-Forwarded-For", "203.0.113.9"}};
  const auto shows = [&](const std::string& header) {
    HttpHeaders headers = far;
    headers.emplace_back("Authorization", header);
    return Status(access, headers);
  };
  EXPECT_EQ(shows(std::string("Bearer ") + kSecret), 200);
  EXPECT_EQ(shows(std::string("bearer ") + kSecret), 200);
  for (const std::string& wrong :
       {std::string("Bearer "), std::string("Bearer x"), std::string(kSecret),
        std::string("Basic ") + kSecret, std::string("Bearer ") + kSecret + "x",
        "Bearer " + std::string(kSecret).substr(1), "Bearer " + std::string(100'000, 'x')}) {
    EXPECT_EQ(shows(wrong), 401) << wrong.substr(0, 60);
  }
  EXPECT_EQ(Status(access, {{"Host", "localhost"}}), 401) << "on loopback too";
  EXPECT_EQ(Refused("token"), 8u);
}

TEST_F(ApiAccessTest, ARefusalSaysWhatToShowAndNothingOfTheSecret) {
  const HttpAnswer answer = Ask({.token = kSecret, .own_hosts = {}}, {});
  EXPECT_THAT(answer.headers, Contains(Pair("WWW-Authenticate", "Bearer")));
  EXPECT_THAT(answer.body, HasSubstr("api.token_file"));
  EXPECT_THAT(answer.body, Not(HasSubstr("horse")));
}

}  // namespace
}  // namespace tallybus
