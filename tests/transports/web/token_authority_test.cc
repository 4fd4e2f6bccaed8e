// Claims become permissions; keys change while it serves.
#include "transports/web/token_authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/manual_clock.h"
#include "tests/transports/web/test_tokens.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using testing::Hs256;
using testing::kSecret;

class TokenAuthorityTest : public ::testing::Test {
 protected:
  static TokenVerifier Keys(const std::string& secret) {
    return *TokenVerifier::Make({.hs256_secrets = {secret}});
  }
  WatchPermissionsPtr Allowed(const std::string& claims) {
    auto permissions = authority_.Authorize(Hs256(claims));
    EXPECT_TRUE(permissions.ok()) << permissions.status();
    return permissions.ok() ? *permissions : nullptr;
  }
  std::string Refused(const std::string& token) {
    return std::string(authority_.Authorize(token).status().message());
  }

  testing::ManualClock clock_;
  Metrics metrics_;
  TokenAuthority authority_{Keys(kSecret), clock_, metrics_};
};

TEST_F(TokenAuthorityTest, SessionAndStreamsAreAListThatTheAppBounds) {
  const WatchPermissionsPtr some =
      Allowed(R"({"session":"s1","streams":["x","y"],"app":"a","exp":4000000000})");
  EXPECT_THAT(*some->only, ElementsAre(WatchKey{WatchKey::Kind::kSession, "s1"},
                                       WatchKey{WatchKey::Kind::kStream, "x"},
                                       WatchKey{WatchKey::Kind::kStream, "y"}));
  EXPECT_EQ(some->app, "a");
  EXPECT_EQ(some->expires, absl::FromUnixSeconds(4'000'000'000));
  EXPECT_EQ(Allowed(R"({"streams":["x"],"exp":4000000000})")->app, "");
}

TEST_F(TokenAuthorityTest, AnAppAloneIsTheWholeApp) {
  const WatchPermissionsPtr whole = Allowed(R"({"app":"a","exp":4000000000})");
  EXPECT_FALSE(whole->only);
  EXPECT_EQ(whole->app, "a");
}

TEST_F(TokenAuthorityTest, WhatDoesNotCountIsToldWhyAndCountedByThat) {
  EXPECT_EQ(Refused(Hs256(R"({"app":"a","exp":1})")), "the token has expired");
  EXPECT_EQ(Refused("x"), "the token is malformed");
  EXPECT_EQ(Refused("y"), "the token is malformed");
  const auto count = [this](const char* reason) {
    return metrics_.GetCounter("tallybus_client_tokens_refused_total", "", {{"reason", reason}})
        .Value();
  };
  EXPECT_EQ(count("the token has expired"), 1u);
  EXPECT_EQ(count("the token is malformed"), 2u);
}

TEST_F(TokenAuthorityTest, OtherKeysCountFromNowOn) {
  const std::string other(40, 'o');
  const std::string claims = R"({"app":"a","exp":4000000000})";
  EXPECT_FALSE(authority_.Authorize(Hs256(claims, other)).ok());
  authority_.SetKeys(Keys(other));
  EXPECT_TRUE(authority_.Authorize(Hs256(claims, other)).ok());
  EXPECT_FALSE(authority_.Authorize(Hs256(claims)).ok());
}

}  // namespace
}  // namespace tallybus
