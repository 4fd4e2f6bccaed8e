// Which pages and which names may reach the clients' paths.
#include "transports/web/client_access.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace tallybus {
namespace {

class ClientAccessTest : public ::testing::Test {
 protected:
  static HttpRequest With(HttpHeaders headers) {
    HttpRequest request;
    request.headers = std::move(headers);
    return request;
  }
  bool Host(const std::string& host) const { return access_.HostAllowed(With({{"Host", host}})); }
  bool Origin(const std::string& origin) const {
    return access_.OriginAllowed(With({{"origin", origin}}));
  }

  const ClientAccess access_{{.allowed_origins = {"https://a.example", "http://b.example:8080"},
                              .allowed_hosts = {"a.example", "b.example:8080", "[fd00::1]"}}};
};

TEST_F(ClientAccessTest, LoopbackNamesAreAllowedWithAnyPort) {
  for (const char* host :
       {"localhost", "LocalHost:1", "127.0.0.1", "127.0.0.1:5580", "[::1]", "[::1]:5580"}) {
    EXPECT_TRUE(Host(host)) << host;
  }
}

TEST_F(ClientAccessTest, AForeignNameThatPointsHereIsRefused) {
  for (const char* host : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                           "127.0.0.2", "evil.example:127", "[::1].evil.example", "localhost:80:80",
                           "a.example.evil.example", "b.example", "b.example:8081", "::1"}) {
    EXPECT_FALSE(Host(host)) << host;
  }
}

TEST_F(ClientAccessTest, ConfiguredHostsCountWithAnyPortOrWithTheirOwn) {
  for (const char* host : {"a.example", "A.example:443", "b.example:8080", "[fd00::1]:5580"}) {
    EXPECT_TRUE(Host(host)) << host;
  }
}

TEST_F(ClientAccessTest, ARequestWithoutOneHostIsRefused) {
  EXPECT_FALSE(access_.HostAllowed(With({})));
  EXPECT_FALSE(access_.HostAllowed(With({{"Host", "localhost"}, {"host", "evil.example"}})));
}

TEST_F(ClientAccessTest, WhatNoPageSentHasNoOrigin) {
  EXPECT_TRUE(access_.OriginAllowed(With({{"Host", "localhost"}})));
}

TEST_F(ClientAccessTest, PagesOfLoopbackAndConfiguredOnesMayWatch) {
  for (const char* origin : {"http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080",
                             "https://a.example", "HTTPS://A.EXAMPLE", "http://b.example:8080"}) {
    EXPECT_TRUE(Origin(origin)) << origin;
  }
}

TEST_F(ClientAccessTest, AForeignPageIsRefused) {
  for (const char* origin :
       {"null", "", "https://evil.example", "http://a.example", "https://a.example:8443",
        "http://b.example", "http://localhost.evil.example", "localhost", "http://localhost/path",
        "http://evil.example/://localhost"}) {
    EXPECT_FALSE(Origin(origin)) << origin;
  }
  EXPECT_FALSE(access_.OriginAllowed(
      With({{"Origin", "http://localhost"}, {"Origin", "https://evil.example"}})));
}

TEST_F(ClientAccessTest, APageOfLoopbackUnderAForeignSchemeMustBeListed) {
  for (const char* origin : {"capacitor://localhost", "ionic://localhost", "ftp://127.0.0.1",
                             "chrome-extension://localhost", "://localhost", "httpx://[::1]"}) {
    EXPECT_FALSE(Origin(origin)) << origin;
  }
  const ClientAccess listed({{"capacitor://localhost"}, {}});
  EXPECT_TRUE(listed.OriginAllowed(With({{"Origin", "capacitor://localhost"}})));
}

}  // namespace
}  // namespace tallybus
