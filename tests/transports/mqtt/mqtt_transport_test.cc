// The MQTT transport: the conformance suite, beside a real broker.
#include "transports/mqtt/mqtt_transport.h"

#include <gmock/gmock.h>

#include <optional>

#include "tests/conformance/transport_bench.h"
#include "tests/conformance/transport_conformance.h"
#include "tests/support/scripted_server.h"
#include "tests/transports/mqtt/mosquitto_broker.h"
#include "tests/transports/mqtt/silent_broker.h"
#include "tests/transports/parts/arrival_of.h"

namespace tallybus::mqtt {
namespace {

using testing::EndpointAt;
using testing::PeerMood;

class MqttPeer final : public testing::Peer {
 public:
  explicit MqttPeer(PeerMood mood) {
    switch (mood) {
      case PeerMood::kRefuses:
        port_ = refusing_.port();
        break;
      case PeerMood::kHangs:
        port_ = silent_.emplace().port();
        break;
      case PeerMood::kRejects:
        port_ = broker_.emplace("allow_anonymous true\nmessage_size_limit 10\n").port();
        break;
      default:
        port_ = broker_.emplace().port();
        broker_->Subscribe();
    }
  }
  Endpoint endpoint() override { return EndpointAt("mqtt://127.0.0.1:" + std::to_string(port_)); }
  std::vector<testing::Arrival> Arrivals() override {
    std::vector<testing::Arrival> arrivals;
    for (TakenMessage& message : broker_->Messages()) {
      arrivals.push_back(parts::ArrivalOf(message.properties, message.body));
    }
    return arrivals;
  }

 private:
  int port_ = 0;
  testing::RefusingPort refusing_;
  std::optional<SilentBroker> silent_;
  std::optional<MosquittoBroker> broker_;
};

class MqttSubject final : public testing::ConformanceSubject {
 public:
  TransportDescriptor descriptor() override { return MqttDescriptor(); }
  std::unique_ptr<testing::Peer> MakePeer(PeerMood mood) override {
    return std::make_unique<MqttPeer>(mood);
  }
  std::string NotApplicable(PeerMood mood) const override {
    return mood == PeerMood::kOverloaded ? "a PUBACK has no room for when to come back" : "";
  }
};

TALLYBUS_TRANSPORT_CONFORMANCE(Mqtt, [] { return std::make_unique<MqttSubject>(); });

TEST(MqttDescriptorTest, NamesItsSchemeAndKeepsSecretsSecret) {
  const TransportDescriptor descriptor = MqttDescriptor();
  EXPECT_EQ(descriptor.scheme, "mqtt");
  for (const OptionSpec& option : descriptor.options) {
    EXPECT_EQ(option.type == OptionType::kSecret, option.name == "password") << option.name;
  }
}

TEST(MqttDescriptorTest, ChecksAnEndpointWithoutTheNetwork) {
  const auto check = MqttDescriptor().check;
  EXPECT_TRUE(check(EndpointAt("mqtt://no-such-host.invalid")).ok());
  EXPECT_FALSE(check(EndpointAt("http://host")).ok());
}

TEST(MqttDescriptorTest, TellsTheMessageAndSendsNothing) {
  Event event;
  event.id = {0xab, 7};
  event.app_key = "app";
  event.method = "StreamStatusEvent";
  const Parcel parcel{event, R"({"status":"OK"})", "app/cam\n1", 5, 1, false, false, 0};
  Endpoint endpoint;
  endpoint.url = "mqtt://broker";
  const Delivery delivery = {Ticket{1}, {&parcel, 1}, endpoint, {}, false};
  const auto told = MqttDescriptor().tell(delivery, SystemClock());
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_THAT(told->head,
              ::testing::StartsWith("topic tallybus/app/StreamStatusEvent/app%2Fcam%0A1\nQoS "
                                    "1\nwebhook-id: 00000000000000ab-7\n"));
  EXPECT_THAT(told->head, ::testing::HasSubstr("\ntallybus-lane: app/cam%0A1\n"));
  EXPECT_EQ(told->body, R"({"status":"OK"})");
  endpoint.url = "";
  EXPECT_FALSE(MqttDescriptor().tell(delivery, SystemClock()).ok());
}

}  // namespace
}  // namespace tallybus::mqtt
