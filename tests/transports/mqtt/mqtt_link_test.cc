// One broker: its end and its return, its credentials, its TLS.
#include "transports/mqtt/mqtt_link.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <cstdlib>
#include <optional>
#include <set>

#include "tests/conformance/transport_bench.h"
#include "tests/transports/mqtt/mosquitto_broker.h"
#include "tests/transports/mqtt/silent_broker.h"
#include "transports/mqtt/mqtt_transport.h"

namespace tallybus::mqtt {
namespace {

using testing::EndpointAt;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::TransportBench;

Endpoint At(int port, uint64_t id = 1) {
  return EndpointAt("mqtt://127.0.0.1:" + std::to_string(port), id);
}

TEST(MqttLinkTest, ABrokerThatIsKilledIsFoundAgain) {
  MosquittoBroker broker;
  TransportBench bench(MqttDescriptor());
  EXPECT_EQ(bench.DeliverAndWait(At(broker.port())).verdict, Verdict::kDelivered);
  broker.Kill();
  // The first may be on its way when the end is noticed.
  EXPECT_EQ(bench.DeliverAndWait(At(broker.port())).verdict, Verdict::kRetryLater);
  const DeliveryResult refused = bench.DeliverAndWait(At(broker.port()));
  EXPECT_EQ(refused.reason, "connection refused");
  EXPECT_TRUE(refused.never_sent);
  broker.Start();
  EXPECT_EQ(bench.DeliverAndWait(At(broker.port())).verdict, Verdict::kDelivered);
}

TEST(MqttLinkTest, WhatIsUnderWayWhenTheConnectionIsLostMayHaveArrived) {
  std::optional<SilentBroker> broker(std::in_place);
  TransportBench bench(MqttDescriptor());
  TransportBench::Options options;
  options.timeout = absl::Milliseconds(200);
  EXPECT_EQ(bench.DeliverAndWait(At(broker->port()), options).reason, "timed out");
  const Ticket under_way = bench.Deliver(At(broker->port()));
  broker.reset();
  const auto lost = bench.sink.WaitFor(under_way);
  ASSERT_TRUE(lost.has_value());
  EXPECT_EQ(lost->verdict, Verdict::kRetryLater);
  EXPECT_FALSE(lost->status.ok());
}

TEST(MqttLinkTest, ABrokerThatStandsStillIsLeftAtTheDeadline) {
  MosquittoBroker broker;
  broker.Signal(SIGSTOP);
  TransportBench bench(MqttDescriptor());
  Endpoint endpoint = At(broker.port());
  endpoint.timeout = absl::Milliseconds(300);
  TransportBench::Options options;
  options.timeout = endpoint.timeout;
  EXPECT_EQ(bench.DeliverAndWait(endpoint, options).reason, "timed out");
}

TEST(MqttLinkTest, LanesThatLookLikePatternsAreTopicsOfTheirOwn) {
  MosquittoBroker broker;
  broker.Subscribe();
  TransportBench bench(MqttDescriptor());
  const std::vector<std::string> lanes = {"",    "a/b",  "a b",  "+",    "#",
                                          "a/#", "$SYS", "\r\n", "a%2Fb"};
  TransportBench::Options options;
  for (const std::string& lane : lanes) {
    options.lane = lane;
    EXPECT_EQ(bench.DeliverAndWait(At(broker.port()), options).verdict, Verdict::kDelivered);
  }
  std::set<std::string> topics;
  for (const TakenMessage& message : broker.Messages()) topics.insert(message.topic);
  EXPECT_THAT(topics, SizeIs(lanes.size()));
}

TEST(MqttLinkTest, ConnectsWithUserAndPasswordAndIsHeldWithWrongOnes) {
  testing::ScratchDirectory folder;
  const std::string file = folder.path() + "/passwords";
  ASSERT_EQ(std::system(("mosquitto_passwd -b -c " + file + " tally s3cret").c_str()), 0);
  MosquittoBroker broker("allow_anonymous false\npassword_file " + file + "\n");
  TransportBench bench(MqttDescriptor());
  Endpoint right = At(broker.port(), 1);
  right.options = {{"user", "tally"}, {"password", "s3cret"}};
  EXPECT_EQ(bench.DeliverAndWait(right).verdict, Verdict::kDelivered);
  Endpoint wrong = At(broker.port(), 2);
  wrong.options = {{"user", "tally"}, {"password", "guessed"}};
  const DeliveryResult held = bench.DeliverAndWait(wrong);
  EXPECT_EQ(held.verdict, Verdict::kHold);
  EXPECT_EQ(held.status.message().find("guessed"), std::string::npos);
}

TEST(MqttLinkTest, WhatTheUserMayNotPublishIsHeld) {
  testing::ScratchDirectory folder;
  const std::string file = folder.path() + "/acl";
  ASSERT_EQ(std::system(("echo 'topic read #' > " + file).c_str()), 0);
  MosquittoBroker broker("allow_anonymous true\nacl_file " + file + "\n");
  TransportBench bench(MqttDescriptor());
  EXPECT_EQ(bench.DeliverAndWait(At(broker.port())).verdict, Verdict::kHold);
}

// A broker whose certificate is for localhost, signed by ca.pem.
class MqttTlsTest : public ::testing::Test {
 protected:
  MqttTlsTest() {
    const std::string script = "cd " + folder_.path() + R"( && {
      key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
      openssl req -x509 $key -keyout ca.key -out ca.pem -subj '/CN=Test authority'
      openssl req -x509 $key -keyout other.key -out other.pem -subj '/CN=Another authority'
      openssl req -x509 $key -keyout key.pem -out cert.pem -CA ca.pem -CAkey ca.key \
        -subj '/CN=localhost' -addext 'subjectAltName=DNS:localhost' \
        -addext 'basicConstraints=CA:FALSE'; } 2>log)";
    EXPECT_EQ(std::system(script.c_str()), 0);
    broker_.emplace("allow_anonymous true\ncertfile " + folder_.path() + "/cert.pem\nkeyfile " +
                    folder_.path() + "/key.pem\n");
  }
  DeliveryResult Deliver(const std::string& host, const std::string& authority) {
    TransportBench bench(MqttDescriptor());
    Endpoint endpoint = EndpointAt("mqtts://" + host + ":" + std::to_string(broker_->port()));
    endpoint.options["tls.ca_file"] = folder_.path() + "/" + authority;
    return bench.DeliverAndWait(endpoint);
  }

  testing::ScratchDirectory folder_;
  std::optional<MosquittoBroker> broker_;
};

TEST_F(MqttTlsTest, IsBelievedUnderItsNameByItsAuthorityAlone) {
  EXPECT_EQ(Deliver("localhost", "ca.pem").verdict, Verdict::kDelivered);
  EXPECT_EQ(Deliver("localhost", "other.pem").reason, "TLS failure");
  EXPECT_EQ(Deliver("127.0.0.1", "ca.pem").reason, "TLS failure");
}

}  // namespace
}  // namespace tallybus::mqtt
