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

}  // namespace
}  // namespace tallybus::nats
