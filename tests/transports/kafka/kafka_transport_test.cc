// The Kafka transport: the conformance suite, beside librdkafka's mock cluster.
#include "transports/kafka/kafka_transport.h"

#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include "tests/conformance/transport_bench.h"
#include "tests/conformance/transport_conformance.h"
#include "tests/support/scripted_server.h"
#include "tests/transports/kafka/mock_cluster.h"
#include "tests/transports/parts/arrival_of.h"

namespace tallybus::kafka {
namespace {

using testing::EndpointAt;
using testing::PeerMood;

constexpr size_t kAll = 2000;  // requests that a test may make

class KafkaPeer final : public testing::Peer {
 public:
  explicit KafkaPeer(PeerMood mood) : refuses_(mood == PeerMood::kRefuses) {
    if (mood == PeerMood::kHangs) cluster_.DelayProducing(kAll);
    if (mood == PeerMood::kRejects) {
      cluster_.FailProducing(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, kAll);
    }
  }
  Endpoint endpoint() override {
    return EndpointAt(refuses_ ? "kafka://127.0.0.1:" + std::to_string(refusing_.port())
                               : cluster_.url());
  }
  std::vector<testing::Arrival> Arrivals() override {
    std::vector<testing::Arrival> arrivals;
    for (StoredMessage& message : cluster_.Messages()) {
      arrivals.push_back(parts::ArrivalOf(message.headers, message.body));
      EXPECT_EQ(message.key, arrivals.back().lane);
    }
    return arrivals;
  }

 private:
  const bool refuses_;
  testing::RefusingPort refusing_;
  MockCluster cluster_;
};

class KafkaSubject final : public testing::ConformanceSubject {
 public:
  TransportDescriptor descriptor() override { return KafkaDescriptor(); }
  std::unique_ptr<testing::Peer> MakePeer(PeerMood mood) override {
    return std::make_unique<KafkaPeer>(mood);
  }
  std::string NotApplicable(PeerMood mood) const override {
    if (mood != PeerMood::kOverloaded) return "";
    return "a broker throttles inside its protocol, and the library obeys it";
  }
};

TALLYBUS_TRANSPORT_CONFORMANCE(Kafka, [] { return std::make_unique<KafkaSubject>(); });

TEST(KafkaDescriptorTest, NamesItsSchemeAndKeepsSecretsSecret) {
  const TransportDescriptor descriptor = KafkaDescriptor();
  EXPECT_EQ(descriptor.scheme, "kafka");
  for (const OptionSpec& option : descriptor.options) {
    EXPECT_EQ(option.type == OptionType::kSecret, option.name == "password") << option.name;
  }
}

TEST(KafkaDescriptorTest, ChecksAnEndpointWithoutTheNetwork) {
  const auto check = KafkaDescriptor().check;
  EXPECT_TRUE(check(EndpointAt("kafka://no-such-host.invalid:9092")).ok());
  EXPECT_FALSE(check(EndpointAt("http://host")).ok());
}

TEST(KafkaDescriptorTest, TellsTheMessageAndSendsNothing) {
  Event event;
  event.id = {0xab, 7};
  event.app_key = "app";
  event.method = "StreamStatusEvent";
  const Parcel parcel{event, R"({"status":"OK"})", "app/cam\n1", 5, 1, false, false, 0};
  Endpoint endpoint;
  endpoint.url = "kafka://broker";
  const Delivery delivery = {Ticket{1}, {&parcel, 1}, endpoint, {}, false};
  const auto told = KafkaDescriptor().tell(delivery, SystemClock());
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_THAT(told->head,
              ::testing::StartsWith(
                  "topic tallybus\nkey \"app/cam\\n1\"\nwebhook-id: 00000000000000ab-7\n"));
  EXPECT_THAT(told->head, ::testing::HasSubstr("\ntallybus-lane: app/cam%0A1\n"));
  EXPECT_EQ(told->body, R"({"status":"OK"})");
  endpoint.url = "";
  EXPECT_FALSE(KafkaDescriptor().tell(delivery, SystemClock()).ok());
}

}  // namespace
}  // namespace tallybus::kafka
