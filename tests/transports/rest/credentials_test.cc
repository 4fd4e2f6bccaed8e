// The fields that an endpoint's options make.
#include "transports/rest/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace tallybus::rest {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Options = std::map<std::string, std::string>;

constexpr char kOld[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr char kNew[] = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
constexpr char kPair[] = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";

// What stands behind the first field of a request.
std::string Fields(const Options& options, int64_t now = 1614265330,
                   std::string_view body = "{\"test\": 2432232314}") {
  const auto credentials = Credentials::Read(options);
  EXPECT_TRUE(credentials.ok()) << credentials.status();
  HeaderFields fields;
  fields.Add("A", "1");
  credentials->AddTo("msg_p5jXN8AQM9LWM0D4loKWxJek", body, absl::FromUnixSeconds(now), &fields);
  return std::string(fields[0]).substr(4);
}

std::string ErrorOf(const Options& options) {
  return std::string(Credentials::Read(options).status().message());
}

TEST(CredentialsTest, NoOptionIsNoField) {
  EXPECT_TRUE(Credentials::Read({})->empty());
  EXPECT_TRUE(Credentials::Read({{"format", "wcs"}})->empty());
  EXPECT_EQ(Fields({}), "");
}

TEST(CredentialsTest, ASignedRequestSaysWhenAndByWhom) {
  EXPECT_EQ(Fields({{"signing", kOld}}),
            "\r\nwebhook-timestamp: 1614265330\r\n"
            "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_FALSE(Credentials::Read({{"signing", kOld}})->empty());
}

TEST(CredentialsTest, SeveralKeysSignInTheirOrder) {
  const std::string both = Fields({{"signing", std::string(kPair) + " " + kOld}});
  EXPECT_THAT(both, HasSubstr("webhook-signature: v1a,hnO3f9T8"));
  EXPECT_THAT(both, HasSubstr("7TBAg== v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

TEST(CredentialsTest, AnOldKeySignsUntilItsEnd) {
  const Options rotated = {{"signing", std::string(kNew) + " " + kOld + "@1614265400"}};
  const std::string old = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  EXPECT_THAT(Fields(rotated), HasSubstr(" v1," + old));
  EXPECT_THAT(Fields(rotated, 1614265399), HasSubstr("= v1,"));
  EXPECT_THAT(Fields(rotated, 1614265400), Not(HasSubstr("= v1,")));
  EXPECT_THAT(Fields(rotated, 1614265400), HasSubstr("webhook-signature: v1,"));
}

TEST(CredentialsTest, TheFirstKeyHasNoEnd) {
  EXPECT_EQ(ErrorOf({{"signing", std::string(kNew) + "@1614265400"}}),
            "signing[0]: signs for ever; only those behind it have an end");
  EXPECT_THAT(ErrorOf({{"signing", std::string(kNew) + " " + kOld + "@soon"}}),
              StartsWith("signing[1]: ends at no time"));
}

TEST(CredentialsTest, AWrongKeyIsNamedByItsPlace) {
  EXPECT_EQ(ErrorOf({{"signing", ""}}), "signing[0]: is empty");
  EXPECT_THAT(ErrorOf({{"signing", std::string(kNew) + " hunter2"}}), StartsWith("signing[1]: "));
  EXPECT_THAT(ErrorOf({{"signing", std::string(kNew) + " hunter2"}}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(ErrorOf({{"signing", "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="}}),
              StartsWith("signing[0]: is a public key"));
  EXPECT_THAT(ErrorOf({{"signing", "whsec_AAAA"}}), StartsWith("signing[0]: holds 3 bytes"));
  EXPECT_THAT(ErrorOf({{"signing", std::string("v1,") + kOld}}), StartsWith("signing[0]: has a"));
}

TEST(CredentialsTest, BasicIsNameAndPassword) {
  EXPECT_EQ(Fields({{"username", "Aladdin"}, {"password", "open sesame"}}),
            "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_THAT(ErrorOf({{"username", "a"}}), StartsWith("username: needs a password"));
  EXPECT_THAT(ErrorOf({{"password", "a"}}), StartsWith("password: needs a username"));
  EXPECT_THAT(ErrorOf({{"username", "a:b"}, {"password", "x"}}), StartsWith("username: "));
  EXPECT_THAT(ErrorOf({{"username", "a"}, {"password", "x\r\ny"}}), StartsWith("password: "));
}

TEST(CredentialsTest, ABearerTokenCannotLeaveItsLine) {
  EXPECT_EQ(Fields({{"bearer_token", "abc.def-1~+/="}}), "\r\nAuthorization: Bearer abc.def-1~+/=");
  for (const char* token : {"", "a b", "a\r\nX: y", "\xc3\xa9"}) {
    EXPECT_THAT(ErrorOf({{"bearer_token", token}}), StartsWith("bearer_token: ")) << token;
  }
}

TEST(CredentialsTest, TheHashOfWebCallServerIsOfTheBody) {
  // RFC 2202, test case 2 of HMAC-MD5.
  EXPECT_EQ(Fields({{"wcs_hash_key", "Jefe"}}, 0, "what do ya want for nothing?"),
            "\r\nAuthorization: WCS 750c783e6ab0b503eaa86e310a5db738");
  EXPECT_THAT(ErrorOf({{"wcs_hash_key", ""}}), StartsWith("wcs_hash_key: is empty"));
}

TEST(CredentialsTest, ThereIsOneAuthorization) {
  EXPECT_THAT(ErrorOf({{"wcs_hash_key", "k"}, {"bearer_token", "t"}}),
              HasSubstr("there is one Authorization field"));
  EXPECT_THAT(ErrorOf({{"wcs_hash_key", "k"}, {"username", "u"}, {"password", "p"}}),
              StartsWith("wcs_hash_key: there is one Authorization field"));
  EXPECT_THAT(Fields({{"bearer_token", "t"}, {"signing", kOld}}),
              StartsWith("\r\nAuthorization: Bearer t\r\nwebhook-timestamp"));
}

}  // namespace
}  // namespace tallybus::rest
