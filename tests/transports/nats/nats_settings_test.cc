// What an endpoint of NATS may be.
#include "transports/nats/nats_settings.h"

#include <gmock/gmock.h>

#include "tests/support/tls_identity.h"

namespace tallybus::nats {
namespace {

Endpoint At(const char* url, std::map<std::string, std::string> options = {}) {
  Endpoint endpoint;
  endpoint.url = url;
  endpoint.options = std::move(options);
  return endpoint;
}

std::string ErrorOf(const Endpoint& endpoint) {
  return std::string(ReadSettings(endpoint).status().message());
}

TEST(NatsSettingsTest, AnAddressIsASchemeAndAHost) {
  EXPECT_EQ(ReadSettings(At("nats://broker:4222"))->host, "broker");
  EXPECT_FALSE(ReadSettings(At("nats://broker"))->tls);
  EXPECT_TRUE(ReadSettings(At("tls://broker:4222"))->tls);
  for (const char* url : {"", "broker:4222", "http://broker", "nats://", "nats://:4222",
                          "nats://a,b", "nats://a/x", "nats://user:secret@a"}) {
    EXPECT_FALSE(ReadSettings(At(url)).ok()) << url;
    EXPECT_EQ(ErrorOf(At(url)).find("secret"), std::string::npos);
  }
}

TEST(NatsSettingsTest, TheSubjectIsATemplate) {
  Event event;
  event.app_key = "app";
  event.method = "StreamStatusEvent";
  const Parcel parcel{event, "{}", "app/cam.1 > *", 1, 1, false, false, 0};
  EXPECT_EQ(ReadSettings(At("nats://a"))->subject.For(parcel),
            "tallybus.app.StreamStatusEvent.app%2Fcam%2E1%20%3E%20%2A");
  EXPECT_EQ(ReadSettings(At("nats://a", {{"subject", "media.{lane}"}}))->subject.For(parcel),
            "media.app%2Fcam%2E1%20%3E%20%2A");
}

TEST(NatsSettingsTest, ASubjectThatTheServerWouldNotTakeIsRefused) {
  for (const char* subject :
       {"", "a..b", ".a", "a.", "a.*", "a.>", "a b", "$JS.API", "{lane", "{stream}", "a\tb"}) {
    EXPECT_TRUE(ErrorOf(At("nats://a", {{"subject", subject}})).starts_with("subject: "))
        << subject;
  }
}

TEST(NatsSettingsTest, CredentialsAreWholeAndOfOneKind) {
  EXPECT_TRUE(ReadSettings(At("nats://a", {{"user", "u"}, {"password", "p"}})).ok());
  EXPECT_TRUE(ReadSettings(At("nats://a", {{"token", "t"}})).ok());
  EXPECT_TRUE(ErrorOf(At("nats://a", {{"user", "u"}})).starts_with("user: "));
  EXPECT_TRUE(ErrorOf(At("nats://a", {{"password", "p"}})).starts_with("user: "));
  EXPECT_TRUE(ErrorOf(At("nats://a", {{"user", "u"}, {"password", "p"}, {"token", "t"}}))
                  .starts_with("token: "));
}

TEST(NatsSettingsTest, AFileOfAuthoritiesAsksForTls) {
  const testing::TlsIdentity identity;
  EXPECT_TRUE(ReadSettings(At("nats://a", {{"tls.ca_file", identity.ca_file()}}))->tls);
  EXPECT_EQ(ErrorOf(At("nats://a", {{"tls.ca_file", "/etc/passwd"}})),
            "tls.ca_file: /etc/passwd holds no certificate in PEM");
  EXPECT_EQ(ErrorOf(At("nats://a", {{"tls.ca_file", "/nowhere/ca.pem"}})),
            "tls.ca_file: cannot read /nowhere/ca.pem");
}

}  // namespace
}  // namespace tallybus::nats
