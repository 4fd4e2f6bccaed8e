// The NATS transport: the conformance suite, beside a real server with JetStream.
#include "transports/nats/nats_transport.h"

#include <gmock/gmock.h>

#include "tests/conformance/transport_bench.h"
#include "tests/conformance/transport_conformance.h"
#include "tests/support/scripted_server.h"
#include "tests/transports/nats/nats_server.h"
#include "tests/transports/parts/arrival_of.h"

namespace tallybus::nats {
namespace {

using testing::EndpointAt;
using testing::PeerMood;

class NatsPeer final : public testing::Peer {
 public:
  explicit NatsPeer(PeerMood mood) : refuses_(mood == PeerMood::kRefuses) {
    if (mood == PeerMood::kAccepts) server_.AddStream();
    if (mood == PeerMood::kRejects) server_.AddStream(/*max_message_size=*/10);
    if (mood == PeerMood::kHangs) server_.Swallow();
  }
  Endpoint endpoint() override {
    const int port = refuses_ ? refusing_.port() : server_.port();
    return EndpointAt("nats://127.0.0.1:" + std::to_string(port));
  }
  std::vector<testing::Arrival> Arrivals() override {
    std::vector<testing::Arrival> arrivals;
    for (StoredMessage& message : server_.Messages()) {
      EXPECT_EQ(message.headers["Nats-Msg-Id"], message.headers["webhook-id"]);
      arrivals.push_back(parts::ArrivalOf(message.headers, message.body));
    }
    return arrivals;
  }

 private:
  const bool refuses_;
  testing::RefusingPort refusing_;
  NatsServer server_;
};

class NatsSubject final : public testing::ConformanceSubject {
 public:
  TransportDescriptor descriptor() override { return NatsDescriptor(); }
  std::unique_ptr<testing::Peer> MakePeer(PeerMood mood) override {
    return std::make_unique<NatsPeer>(mood);
  }
  std::string NotApplicable(PeerMood mood) const override {
    return mood == PeerMood::kOverloaded ? "JetStream has no word for when to come back" : "";
  }
};

TALLYBUS_TRANSPORT_CONFORMANCE(Nats, [] { return std::make_unique<NatsSubject>(); });

TEST(NatsDescriptorTest, NamesItsSchemeAndKeepsSecretsSecret) {
  const TransportDescriptor descriptor = NatsDescriptor();
  EXPECT_EQ(descriptor.scheme, "nats");
  for (const OptionSpec& option : descriptor.options) {
    const bool secret = option.name == "password" || option.name == "token";
    EXPECT_EQ(option.type == OptionType::kSecret, secret) << option.name;
  }
}

TEST(NatsDescriptorTest, ChecksAnEndpointWithoutTheNetwork) {
  const auto check = NatsDescriptor().check;
  EXPECT_TRUE(check(EndpointAt("nats://no-such-host.invalid:4222")).ok());
  EXPECT_FALSE(check(EndpointAt("http://host")).ok());
}

TEST(NatsDescriptorTest, TellsTheMessageAndSendsNothing) {
  Event event;
  event.id = {0xab, 7};
  event.app_key = "app";
  event.method = "StreamStatusEvent";
  const Parcel parcel{event, R"({"status":"OK"})", "app/cam\n1", 5, 1, false, false, 0};
  Endpoint endpoint;
  endpoint.url = "nats://broker";
  const Delivery delivery = {Ticket{1}, {&parcel, 1}, endpoint, {}, false};
  const auto told = NatsDescriptor().tell(delivery, SystemClock());
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_THAT(told->head, ::testing::StartsWith(
                              "subject tallybus.app.StreamStatusEvent.app%2Fcam%0A1\nwebhook-id: "
                              "00000000000000ab-7\n"));
  EXPECT_THAT(told->head, ::testing::EndsWith("\nNats-Msg-Id: 00000000000000ab-7\n"));
  EXPECT_THAT(told->head, ::testing::HasSubstr("\ntallybus-lane: app/cam%0A1\n"));
  EXPECT_EQ(told->body, R"({"status":"OK"})");
  endpoint.url = "";
  EXPECT_FALSE(NatsDescriptor().tell(delivery, SystemClock()).ok());
}

}  // namespace
}  // namespace tallybus::nats
