// Against a real server: keep-alive, TLS with a private authority, HTTP/2 and client certificates.
#include <gmock/gmock.h>
#include <unistd.h>

#include <set>

#include "tests/conformance/transport_bench.h"
#include "tests/transports/rest/nginx_server.h"
#include "transports/rest/rest_transport.h"

namespace tallybus::rest {
namespace {

using testing::EndpointAt;
using ::testing::StartsWith;
using testing::TransportBench;

class NginxTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { nginx_ = new NginxServer; }
  static void TearDownTestSuite() { delete nginx_; }

  Endpoint Tls(const std::string& host, const std::string& ca = "ca.pem", uint64_t id = 1) {
    Endpoint endpoint =
        EndpointAt("https://" + host + ":" + std::to_string(nginx_->tls_port()), id);
    if (!ca.empty()) endpoint.options["tls.ca_file"] = nginx_->File(ca);
    return endpoint;
  }
  Endpoint Mutual(bool with_certificate) {
    Endpoint endpoint = EndpointAt("https://localhost:" + std::to_string(nginx_->mutual_port()));
    endpoint.options["tls.ca_file"] = nginx_->File("ca.pem");
    if (with_certificate) {
      endpoint.options["tls.cert_file"] = nginx_->File("client.pem");
      endpoint.options["tls.key_file"] = nginx_->File("client.key");
    }
    return endpoint;
  }
  DeliveryResult Try(const Endpoint& endpoint) {
    TransportBench::Options options;
    options.want_answer = true;
    // A starved machine may need more than the three seconds that a connection is given.
    auto result = bench_.DeliverAndWait(endpoint, options);
    for (int i = 0; i < 4 && result.reason == "timed out"; ++i) {
      result = bench_.DeliverAndWait(endpoint, options);
    }
    return result;
  }
  static void ExpectTlsFailure(const DeliveryResult& result) {
    EXPECT_EQ(result.verdict, Verdict::kRetryLater);
    EXPECT_EQ(result.reason, "TLS failure") << result.status;
    EXPECT_EQ(result.remote_code, 0);
    EXPECT_TRUE(result.never_sent);
  }

  static NginxServer* nginx_;
  TransportBench bench_{RestDescriptor(), /*threads=*/1};
};

NginxServer* NginxTest::nginx_ = nullptr;

// The connection's number in an answer "HTTP/1.1 <connection> <request>".
std::string ConnectionOf(const std::string& answer) {
  const size_t space = answer.find(' ');
  return answer.substr(space + 1, answer.find(' ', space + 1) - space - 1);
}

TEST_F(NginxTest, KeepsOneConnectionAlive) {
  const Endpoint endpoint = EndpointAt("http://127.0.0.1:" + std::to_string(nginx_->plain_port()));
  std::set<std::string> connections;
  for (int i = 0; i < 30; ++i) {
    const auto result = Try(endpoint);
    ASSERT_EQ(result.verdict, Verdict::kDelivered) << result.status;
    ASSERT_THAT(result.answer, StartsWith("HTTP/1.1 "));
    connections.insert(ConnectionOf(result.answer));
  }
  EXPECT_EQ(connections.size(), 1u);
}

TEST_F(NginxTest, SpeaksHttp2OverTls) {
  const auto result = Try(Tls("localhost"));
  EXPECT_EQ(result.verdict, Verdict::kDelivered) << result.status;
  EXPECT_EQ(result.remote_code, 200);
  EXPECT_EQ(result.reason, "OK");
  EXPECT_THAT(result.answer, StartsWith("HTTP/2.0 "));
}

TEST_F(NginxTest, KeepsOneHttp2ConnectionAlive) {
  std::set<std::string> connections;
  for (int i = 0; i < 30; ++i) {
    const auto result = Try(Tls("localhost"));
    ASSERT_EQ(result.verdict, Verdict::kDelivered) << result.status;
    connections.insert(ConnectionOf(result.answer));
  }
  EXPECT_EQ(connections.size(), 1u);
}

TEST_F(NginxTest, EndpointsThatTrustTheSameShareAnHttp2Connection) {
  std::set<std::string> connections;
  for (uint64_t id = 1; id <= 3; ++id) {
    connections.insert(ConnectionOf(Try(Tls("localhost", "ca.pem", id)).answer));
  }
  EXPECT_EQ(connections.size(), 1u);
}

TEST_F(NginxTest, SpeaksHttp11OverTlsWhereHttp2IsNotWanted) {
  Endpoint endpoint = Tls("localhost");
  endpoint.options["tls.http2"] = "false";
  std::set<std::string> connections;
  for (int i = 0; i < 30; ++i) {
    const auto result = Try(endpoint);
    ASSERT_EQ(result.verdict, Verdict::kDelivered) << result.status;
    ASSERT_THAT(result.answer, StartsWith("HTTP/1.1 "));
    connections.insert(ConnectionOf(result.answer));
  }
  EXPECT_EQ(connections.size(), 1u);
}

TEST_F(NginxTest, ManyHttp2RequestsAtOnceAllArrive) {
  Endpoint endpoint = Tls("localhost");
  endpoint.max_connections = 8;
  ASSERT_EQ(Try(endpoint).verdict, Verdict::kDelivered);
  TransportBench::Options options;
  options.timeout = absl::Seconds(30);
  const auto tickets = bench_.DeliverMany(endpoint, 300, options);
  ASSERT_TRUE(bench_.sink.WaitForTickets(tickets.size() + 1));
  for (Ticket ticket : tickets) {
    const auto result = bench_.sink.WaitFor(ticket);
    EXPECT_EQ(result->verdict, Verdict::kDelivered) << result->status;
  }
}

TEST_F(NginxTest, AnHttp2AnswerHasTheStandardPhrase) {
  Endpoint endpoint = Tls("localhost");
  endpoint.url += "/missing";
  endpoint.id = 2;
  const auto result = Try(endpoint);
  EXPECT_EQ(result.verdict, Verdict::kHold);
  EXPECT_EQ(result.remote_code, 404);
  EXPECT_EQ(result.reason, "Not Found");
}

// libcurl 7.88 misses an answer that comes by HTTP/2 before the whole body was read.
TEST_F(NginxTest, AnAnswerToALargeUnreadBodyIsHeard) {
  ASSERT_THAT(Try(Tls("localhost")).answer, StartsWith("HTTP/2.0 "));
  TransportBench::Options options;
  options.want_answer = true;
  options.body = std::string(1 << 20, 'x');
  Endpoint endpoint = Tls("localhost");
  endpoint.url += "/unread";
  endpoint.id = 2;
  const auto taken = bench_.DeliverAndWait(endpoint, options);
  EXPECT_EQ(taken.verdict, Verdict::kDelivered) << taken.status;
  EXPECT_THAT(taken.answer, StartsWith("HTTP/1.1 "));
  options.body = std::string(3 << 20, 'x');
  const auto refused = bench_.DeliverAndWait(endpoint, options);
  EXPECT_EQ(refused.verdict, Verdict::kRejected) << refused.status;
  EXPECT_EQ(refused.remote_code, 413);
}

TEST_F(NginxTest, SmallBodiesGoByHttp2BesideLargeOnes) {
  Endpoint endpoint = Tls("localhost");
  endpoint.url += "/unread";
  endpoint.max_connections = 4;
  TransportBench::Options large;
  large.want_answer = true;
  large.body = std::string(1 << 20, 'x');
  std::set<std::string> connections;
  for (int i = 0; i < 10; ++i) {
    const auto result = bench_.DeliverAndWait(endpoint, large);
    ASSERT_THAT(result.answer, StartsWith("HTTP/1.1 ")) << result.status;
    connections.insert(ConnectionOf(result.answer));
    ASSERT_THAT(Try(endpoint).answer, StartsWith("HTTP/2.0 "));
  }
  EXPECT_EQ(connections.size(), 1u) << "it is kept";
}

TEST_F(NginxTest, AnUnknownAuthorityIsATlsFailure) { ExpectTlsFailure(Try(Tls("localhost", ""))); }

TEST_F(NginxTest, AnotherAuthorityIsATlsFailure) {
  ExpectTlsFailure(Try(Tls("localhost", "stranger.pem")));
}

TEST_F(NginxTest, ACertificateForAnotherNameIsATlsFailure) {
  ExpectTlsFailure(Try(Tls("127.0.0.1")));
}

TEST_F(NginxTest, AConnectionIsNotLentToAnEndpointThatTrustsLess) {
  ASSERT_EQ(Try(Tls("localhost", "ca.pem", 1)).verdict, Verdict::kDelivered);
  ExpectTlsFailure(Try(Tls("localhost", "stranger.pem", 2)));
}

TEST_F(NginxTest, PlainHttpAtATlsPortIsAnAnswerOf400) {
  const auto result = Try(EndpointAt("http://127.0.0.1:" + std::to_string(nginx_->tls_port())));
  EXPECT_EQ(result.verdict, Verdict::kRejected);
  EXPECT_EQ(result.remote_code, 400);
}

TEST_F(NginxTest, TlsAtAPlainPortIsATlsFailure) {
  Endpoint endpoint = EndpointAt("https://localhost:" + std::to_string(nginx_->plain_port()));
  ExpectTlsFailure(Try(endpoint));
}

TEST_F(NginxTest, ShowsItsCertificateToAServerThatAsks) {
  const auto result = Try(Mutual(true));
  EXPECT_EQ(result.verdict, Verdict::kDelivered) << result.status;
  EXPECT_EQ(result.answer, "CN=tallybus");
}

TEST_F(NginxTest, WithoutACertificateSuchAServerRejects) {
  const auto result = Try(Mutual(false));
  EXPECT_EQ(result.remote_code, 400);
}

TEST_F(NginxTest, ChecksTheFilesThatAnEndpointNames) {
  const auto check = RestDescriptor().check;
  EXPECT_TRUE(check(Mutual(true)).ok());
  Endpoint swapped = Mutual(true);
  std::swap(swapped.options["tls.cert_file"], swapped.options["tls.key_file"]);
  EXPECT_FALSE(check(swapped).ok());
  Endpoint wrong_ca = Tls("localhost", "ca.key");
  EXPECT_FALSE(check(wrong_ca).ok());
}

}  // namespace
}  // namespace tallybus::rest
