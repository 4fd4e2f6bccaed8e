// What an endpoint of Kafka may be.
#include "transports/kafka/kafka_settings.h"

#include <gmock/gmock.h>

namespace tallybus::kafka {
namespace {

using ::testing::Contains;
using ::testing::Pair;

Endpoint At(const char* url, std::map<std::string, std::string> options = {}) {
  Endpoint endpoint;
  endpoint.url = url;
  endpoint.options = std::move(options);
  return endpoint;
}

std::string ErrorOf(const Endpoint& endpoint) {
  return std::string(ReadSettings(endpoint).status().message());
}

TEST(KafkaSettingsTest, AnAddressIsASchemeAndBrokers) {
  EXPECT_THAT(ReadSettings(At("kafka://a:9092,b:9093"))->properties,
              Contains(Pair("bootstrap.servers", "a:9092,b:9093")));
  EXPECT_THAT(ReadSettings(At("kafka://a"))->properties,
              Contains(Pair("security.protocol", "plaintext")));
  EXPECT_THAT(ReadSettings(At("kafkas://a"))->properties,
              Contains(Pair("security.protocol", "ssl")));
  for (const char* url : {"", "a:9092", "http://a", "kafka://", "kafka://:9092", "kafka://a,",
                          "kafka://a,,b", "kafka://a/topic", "kafka://u:secret@a"}) {
    EXPECT_FALSE(ReadSettings(At(url)).ok()) << url;
    EXPECT_EQ(ErrorOf(At(url)).find("secret"), std::string::npos);
  }
}

TEST(KafkaSettingsTest, TheProducerIsIdempotentAndEndsWithTheAttempt) {
  Endpoint endpoint = At("kafka://a");
  endpoint.timeout = absl::Seconds(3);
  const auto properties = ReadSettings(endpoint)->properties;
  EXPECT_THAT(properties, Contains(Pair("enable.idempotence", "true")));
  EXPECT_THAT(properties, Contains(Pair("message.timeout.ms", "3000")));
}

TEST(KafkaSettingsTest, WhatGoesAgainGoesAloneAndEndsWithTheAttemptToo) {
  Endpoint endpoint = At("kafka://a");
  endpoint.timeout = absl::Seconds(3);
  std::map<std::string, std::string> properties;  // the last of a name counts
  for (const auto& [name, value] : Alone(*ReadSettings(endpoint)).properties) {
    properties[name] = value;
  }
  EXPECT_THAT(properties, Contains(Pair("batch.num.messages", "1")));
  EXPECT_THAT(properties, Contains(Pair("message.timeout.ms", "1500")));
  EXPECT_THAT(properties, Contains(Pair("enable.idempotence", "true")));
}

TEST(KafkaSettingsTest, ATopicIsOneThatKafkaHas) {
  EXPECT_EQ(ReadSettings(At("kafka://a"))->topic, "tallybus");
  EXPECT_EQ(ReadSettings(At("kafka://a", {{"topic", "media.events-1"}}))->topic, "media.events-1");
  for (const char* topic : {"", ".", "..", "a b", "a/b", "{lane}", "\xd0\xb6"}) {
    EXPECT_TRUE(ErrorOf(At("kafka://a", {{"topic", topic}})).starts_with("topic: ")) << topic;
  }
  EXPECT_FALSE(ReadSettings(At("kafka://a", {{"topic", std::string(250, 'x')}})).ok());
}

TEST(KafkaSettingsTest, CredentialsAreWhole) {
  const Endpoint whole = At("kafka://a", {{"user", "u"}, {"password", "p"}});
  EXPECT_THAT(ReadSettings(whole)->properties,
              Contains(Pair("security.protocol", "sasl_plaintext")));
  EXPECT_THAT(ReadSettings(whole)->properties, Contains(Pair("sasl.mechanism", "PLAIN")));
  EXPECT_TRUE(ErrorOf(At("kafka://a", {{"user", "u"}})).starts_with("user: "));
  EXPECT_TRUE(ErrorOf(At("kafka://a", {{"password", "p"}})).starts_with("user: "));
  EXPECT_TRUE(ErrorOf(At("kafka://a", {{"mechanism", "GSSAPI"}})).starts_with("mechanism: "));
}

TEST(KafkaSettingsTest, AFileOfAuthoritiesAsksForTls) {
  EXPECT_THAT(ReadSettings(At("kafka://a", {{"tls.ca_file", "/etc/passwd"}}))->properties,
              Contains(Pair("security.protocol", "ssl")));
  EXPECT_EQ(ErrorOf(At("kafka://a", {{"tls.ca_file", "/nowhere/ca.pem"}})),
            "tls.ca_file: cannot read /nowhere/ca.pem");
}

}  // namespace
}  // namespace tallybus::kafka
