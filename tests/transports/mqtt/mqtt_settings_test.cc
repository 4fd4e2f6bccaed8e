// What an endpoint of MQTT may be.
#include "transports/mqtt/mqtt_settings.h"

#include <gmock/gmock.h>

#include "tests/support/tls_identity.h"

namespace tallybus::mqtt {
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

TEST(MqttSettingsTest, AnAddressIsASchemeAHostAndAPort) {
  EXPECT_EQ(ReadSettings(At("mqtt://broker"))->host, "broker");
  EXPECT_EQ(ReadSettings(At("mqtt://broker"))->port, 1883);
  EXPECT_EQ(ReadSettings(At("mqtt://broker:1234"))->port, 1234);
  EXPECT_EQ(ReadSettings(At("mqtts://broker"))->port, 8883);
  EXPECT_FALSE(ReadSettings(At("mqtt://broker"))->tls);
  EXPECT_TRUE(ReadSettings(At("mqtts://broker"))->tls);
  for (const char* url :
       {"", "broker:1883", "tcp://broker", "mqtt://", "mqtt://:1883", "mqtt://a:x", "mqtt://a:0",
        "mqtt://a:65536", "mqtt://a/x", "mqtt://u:secret@a"}) {
    EXPECT_FALSE(ReadSettings(At(url)).ok()) << url;
    EXPECT_EQ(ErrorOf(At(url)).find("secret"), std::string::npos);
  }
}

TEST(MqttSettingsTest, TheTopicIsATemplate) {
  Event event;
  event.app_key = "app";
  event.method = "StreamStatusEvent";
  const Parcel parcel{event, "{}", "app/cam + #", 1, 1, false, false, 0};
  EXPECT_EQ(ReadSettings(At("mqtt://a"))->topic.For(parcel),
            "tallybus/app/StreamStatusEvent/app%2Fcam%20%2B%20%23");
  EXPECT_EQ(ReadSettings(At("mqtt://a", {{"topic", "all/{app}"}}))->topic.For(parcel), "all/app");
}

TEST(MqttSettingsTest, ATopicThatTheBrokerWouldNotTakeIsRefused) {
  for (const char* topic : {"", "a/+", "#", "$SYS/a", "{lane", "{stream}", "a\tb", "\xd0\xb6"}) {
    EXPECT_TRUE(ErrorOf(At("mqtt://a", {{"topic", topic}})).starts_with("topic: ")) << topic;
  }
  EXPECT_FALSE(ReadSettings(At("mqtt://a", {{"topic", std::string(5000, 'x')}})).ok());
}

TEST(MqttSettingsTest, APasswordNeedsAUser) {
  EXPECT_TRUE(ReadSettings(At("mqtt://a", {{"user", "u"}, {"password", "p"}})).ok());
  EXPECT_TRUE(ReadSettings(At("mqtt://a", {{"user", "u"}})).ok());
  EXPECT_TRUE(ErrorOf(At("mqtt://a", {{"password", "p"}})).starts_with("password: "));
}

TEST(MqttSettingsTest, AFileOfAuthoritiesAsksForTls) {
  const testing::TlsIdentity identity;
  EXPECT_TRUE(ReadSettings(At("mqtt://a", {{"tls.ca_file", identity.ca_file()}}))->tls);
  EXPECT_EQ(ErrorOf(At("mqtt://a", {{"tls.ca_file", "/etc/passwd"}})),
            "tls.ca_file: /etc/passwd holds no certificate in PEM");
  EXPECT_EQ(ErrorOf(At("mqtt://a", {{"tls.ca_file", "/nowhere/ca.pem"}})),
            "tls.ca_file: cannot read /nowhere/ca.pem");
}

}  // namespace
}  // namespace tallybus::mqtt
