// One server: its end and its return, its credentials, its TLS, its limits.
#include "transports/nats/nats_link.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "tests/conformance/transport_bench.h"
#include "tests/transports/nats/nats_server.h"
#include "transports/nats/nats_transport.h"

namespace tallybus::nats {
namespace {

using testing::EndpointAt;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::TransportBench;

Endpoint With(const NatsServer& server, std::map<std::string, std::string> options) {
  Endpoint endpoint = EndpointAt(server.url());
  endpoint.options = std::move(options);
  return endpoint;
}

TEST(NatsLinkTest, WithoutAStreamTheEventsAreTriedAgainUntilThereIsOne) {
  NatsServer server;
  TransportBench bench(NatsDescriptor());
  const DeliveryResult result = bench.DeliverAndWait(EndpointAt(server.url()));
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("add a stream"));
  server.AddStream();
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt(server.url())).verdict, Verdict::kDelivered);
}

TEST(NatsLinkTest, AFullStreamIsTriedAgain) {
  NatsServer server;
  server.AddStream(0, /*max_messages=*/1);
  TransportBench bench(NatsDescriptor());
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt(server.url())).verdict, Verdict::kDelivered);
  const DeliveryResult full = bench.DeliverAndWait(EndpointAt(server.url()));
  EXPECT_EQ(full.verdict, Verdict::kRetryLater);
  EXPECT_EQ(full.reason, "maximum messages exceeded");
}

TEST(NatsLinkTest, AnEventThatIsSentAgainIsInTheStreamOnce) {
  NatsServer server;
  server.AddStream();
  for (int life = 0; life < 2; ++life) {  // each bench gives the same ids
    TransportBench bench(NatsDescriptor());
    EXPECT_EQ(bench.DeliverAndWait(EndpointAt(server.url())).verdict, Verdict::kDelivered);
  }
  EXPECT_THAT(server.Messages(), SizeIs(1));
}

TEST(NatsLinkTest, LanesThatLookLikePatternsAreSubjectsOfTheirOwn) {
  NatsServer server;
  server.AddStream();
  TransportBench bench(NatsDescriptor());
  const std::vector<std::string> lanes = {"", "a.b", "a b", "a/b", "*", ">", "a.>", "$SYS", "\r\n"};
  TransportBench::Options options;
  for (const std::string& lane : lanes) {
    options.lane = lane;
    EXPECT_EQ(bench.DeliverAndWait(EndpointAt(server.url()), options).verdict, Verdict::kDelivered);
  }
  std::set<std::string> subjects;
  for (const StoredMessage& message : server.Messages()) subjects.insert(message.subject);
  EXPECT_THAT(subjects, SizeIs(lanes.size()));
}

TEST(NatsLinkTest, AServerThatIsKilledFailsWhatIsUnderWayAndIsFoundAgain) {
  NatsServer server;
  server.Swallow();
  TransportBench bench(NatsDescriptor());
  const Endpoint endpoint = EndpointAt(server.url());
  const Ticket under_way = bench.Deliver(endpoint);
  ASSERT_TRUE(server.WaitForSwallowed());
  server.Kill();
  const auto lost = bench.sink.WaitFor(under_way);
  ASSERT_TRUE(lost.has_value());
  EXPECT_EQ(lost->verdict, Verdict::kRetryLater);
  EXPECT_EQ(lost->reason, "connection reset");
  EXPECT_FALSE(lost->never_sent);
  const DeliveryResult refused = bench.DeliverAndWait(endpoint);
  EXPECT_EQ(refused.reason, "connection refused");
  EXPECT_TRUE(refused.never_sent);
  server.Start();
  EXPECT_THAT(bench.DeliverAndWait(endpoint).reason, HasSubstr("no stream"));
}

TEST(NatsLinkTest, AServerThatStandsStillIsLeftAtTheDeadline) {
  NatsServer server;
  server.Signal(SIGSTOP);
  TransportBench bench(NatsDescriptor());
  Endpoint endpoint = EndpointAt(server.url());
  endpoint.timeout = absl::Milliseconds(300);
  TransportBench::Options options;
  options.timeout = endpoint.timeout;
  EXPECT_EQ(bench.DeliverAndWait(endpoint, options).reason, "timed out");
}

TEST(NatsLinkTest, AnEventLargerThanTheServerTakesIsRejected) {
  NatsServer server;
  server.AddStream();
  TransportBench bench(NatsDescriptor());
  TransportBench::Options options;
  options.body = "\"" + std::string(size_t{2} << 20, 'x') + "\"";
  const DeliveryResult result = bench.DeliverAndWait(EndpointAt(server.url()), options);
  EXPECT_EQ(result.verdict, Verdict::kRejected);
  EXPECT_EQ(result.reason, "larger than the server's max_payload");
}

TEST(NatsLinkTest, ConnectsWithUserAndPasswordAndIsHeldWithWrongOnes) {
  NatsServer server("authorization { user: tally, password: s3cret }\n");
  TransportBench bench(NatsDescriptor());
  EXPECT_THAT(
      bench.DeliverAndWait(With(server, {{"user", "tally"}, {"password", "s3cret"}})).reason,
      HasSubstr("no stream"));
  Endpoint wrong = With(server, {{"user", "tally"}, {"password", "guessed"}});
  wrong.id = 2;
  const DeliveryResult held = bench.DeliverAndWait(wrong);
  EXPECT_EQ(held.verdict, Verdict::kHold);
  EXPECT_EQ(held.status.message().find("guessed"), std::string::npos);
}

TEST(NatsLinkTest, ConnectsWithAToken) {
  NatsServer server("authorization { token: s3cret }\n");
  TransportBench bench(NatsDescriptor());
  EXPECT_THAT(bench.DeliverAndWait(With(server, {{"token", "s3cret"}})).reason,
              HasSubstr("no stream"));
}

// A server whose certificate is for localhost, signed by @dir@/ca.pem.
class NatsTlsTest : public ::testing::Test {
 protected:
  NatsTlsTest() {
    const std::string script = "cd " + folder_.path() + R"( && {
      key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
      openssl req -x509 $key -keyout ca.key -out ca.pem -subj '/CN=Test authority'
      openssl req -x509 $key -keyout other.key -out other.pem -subj '/CN=Another authority'
      openssl req -x509 $key -keyout key.pem -out cert.pem -CA ca.pem -CAkey ca.key \
        -subj '/CN=localhost' -addext 'subjectAltName=DNS:localhost' \
        -addext 'basicConstraints=CA:FALSE'; } 2>log)";
    EXPECT_EQ(std::system(script.c_str()), 0);
    server_.emplace("tls { cert_file: \"" + folder_.path() + "/cert.pem\", key_file: \"" +
                    folder_.path() + "/key.pem\" }\n");
  }
  DeliveryResult Deliver(const std::string& host, const std::string& authority) {
    TransportBench bench(NatsDescriptor());
    Endpoint endpoint = EndpointAt("tls://" + host + ":" + std::to_string(server_->port()));
    endpoint.options["tls.ca_file"] = folder_.path() + "/" + authority;
    return bench.DeliverAndWait(endpoint);
  }

  testing::ScratchDirectory folder_;
  std::optional<NatsServer> server_;
};

TEST_F(NatsTlsTest, IsBelievedUnderItsNameByItsAuthorityAlone) {
  EXPECT_THAT(Deliver("localhost", "ca.pem").reason, HasSubstr("no stream"));
  EXPECT_EQ(Deliver("localhost", "other.pem").reason, "TLS failure");
  EXPECT_EQ(Deliver("127.0.0.1", "ca.pem").reason, "TLS failure");
}

}  // namespace
}  // namespace tallybus::nats
