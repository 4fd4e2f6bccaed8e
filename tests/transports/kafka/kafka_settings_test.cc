// What an endpoint of Kafka may be.
#include "transports/kafka/kafka_settings.h"

#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include <initializer_list>
#include <map>

#include "tests/support/tls_identity.h"

namespace tallybus::kafka {
namespace {

using ::testing::Contains;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

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
  const testing::TlsIdentity identity;
  EXPECT_THAT(ReadSettings(At("kafka://a", {{"tls.ca_file", identity.ca_file()}}))->properties,
              Contains(Pair("security.protocol", "ssl")));
  EXPECT_EQ(ErrorOf(At("kafka://a", {{"tls.ca_file", "/nowhere/ca.pem"}})),
            "tls.ca_file: cannot read /nowhere/ca.pem");
  EXPECT_EQ(ErrorOf(At("kafka://a", {{"tls.ca_file", "/etc/passwd"}})),
            "tls.ca_file: /etc/passwd holds no certificate in PEM");
}

// What librdkafka has of each of these, once it was told all that is to be told.
std::map<std::string, std::string> InLibrary(const Endpoint& endpoint,
                                             std::initializer_list<const char*> names) {
  std::map<std::string, std::string> found;
  const KafkaSettings settings = *ReadSettings(endpoint);
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings.properties) {
    char error[256] = "";
    EXPECT_EQ(rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error),
              RD_KAFKA_CONF_OK)
        << name << ": " << error;
  }
  for (const char* name : names) {
    char value[512] = "";
    size_t size = sizeof value;
    EXPECT_EQ(rd_kafka_conf_get(conf, name, value, &size), RD_KAFKA_CONF_OK) << name;
    found[name] = value;
  }
  rd_kafka_conf_destroy(conf);
  return found;
}

TEST(KafkaSettingsTest, TheLibraryHasWhatTheOptionsSay) {
  const testing::TlsIdentity identity;
  Endpoint endpoint = At("kafkas://a:9093,b:9093", {{"user", "u"},
                                                    {"password", "p=, \"w\""},
                                                    {"mechanism", "SCRAM-SHA-512"},
                                                    {"tls.ca_file", identity.ca_file()}});
  endpoint.timeout = absl::Seconds(3);
  EXPECT_THAT(InLibrary(endpoint, {"bootstrap.servers", "security.protocol", "sasl.mechanism",
                                   "sasl.username", "sasl.password", "ssl.ca.location"}),
              UnorderedElementsAre(
                  Pair("bootstrap.servers", "a:9093,b:9093"), Pair("security.protocol", "sasl_ssl"),
                  Pair("sasl.mechanism", "SCRAM-SHA-512"), Pair("sasl.username", "u"),
                  Pair("sasl.password", "p=, \"w\""), Pair("ssl.ca.location", identity.ca_file())));
  EXPECT_THAT(
      InLibrary(endpoint, {"enable.idempotence", "message.timeout.ms", "partitioner"}),
      UnorderedElementsAre(Pair("enable.idempotence", "true"), Pair("message.timeout.ms", "3000"),
                           Pair("partitioner", "murmur2_random")));
}

// Both are the library's own, from 2.0 on; nothing of ours may loosen them.
TEST(KafkaSettingsTest, ABrokersCertificateAndItsNameAreVerified) {
  const char* const kVerifies = "enable.ssl.certificate.verification";
  const char* const kName = "ssl.endpoint.identification.algorithm";
  EXPECT_THAT(InLibrary(At("kafkas://a"), {kVerifies, kName}),
              UnorderedElementsAre(Pair(kVerifies, "true"), Pair(kName, "https")));
}

TEST(KafkaSettingsTest, EachWayToConnectIsOneThatTheLibraryHas) {
  const auto protocol = [](const char* url, std::map<std::string, std::string> options) {
    return InLibrary(At(url, std::move(options)), {"security.protocol"})["security.protocol"];
  };
  const std::map<std::string, std::string> user = {{"user", "u"}, {"password", "p"}};
  EXPECT_EQ(protocol("kafka://a", {}), "plaintext");
  EXPECT_EQ(protocol("kafkas://a", {}), "ssl");
  EXPECT_EQ(protocol("kafka://a", user), "sasl_plaintext");
  EXPECT_EQ(protocol("kafkas://a", user), "sasl_ssl");
  for (const char* mechanism : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    auto options = user;
    options["mechanism"] = mechanism;
    EXPECT_THAT(InLibrary(At("kafkas://a", options), {"sasl.mechanism"}),
                UnorderedElementsAre(Pair("sasl.mechanism", mechanism)));
  }
}

}  // namespace
}  // namespace tallybus::kafka
