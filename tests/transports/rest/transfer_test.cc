// What libcurl does whole: the offer of HTTP/2, and the request as it writes it. HTTP/2 itself and
// client certificates are tested against nginx.
#include "transports/rest/transfer.h"

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include <atomic>

#include "tests/conformance/transport_bench.h"
#include "tests/support/scripted_server.h"
#include "tests/transports/rest/scheme_peers.h"
#include "transports/rest/rest_transport.h"

namespace tallybus::rest {
namespace {

using testing::Connection;
using ::testing::HasSubstr;
using testing::HttpRequest;
using ::testing::Not;
using testing::ScriptedServer;
using ::testing::SizeIs;

class TransferTest : public ::testing::Test {
 protected:
  const SchemePeers peers_{Scheme::kTlsByLibcurl};
  ScriptedServer server_{testing::AnswerWith(200, "OK"), peers_.tls()};
  testing::TransportBench bench_{RestDescriptor(), /*threads=*/1};
  testing::TransportBench::Options options_;
};

TEST_F(TransferTest, WritesTheRequestThatAConnectionOfOurOwnWouldWrite) {
  options_.body = R"({"n":1})";
  ASSERT_EQ(bench_.DeliverAndWait(peers_.Of(server_, 1, "/hooks"), options_).verdict,
            Verdict::kDelivered);
  ScriptedServer plain(testing::AnswerWith(200, "OK"));
  ASSERT_EQ(bench_.DeliverAndWait(testing::EndpointAt(plain.Url("/hooks"), 2), options_).verdict,
            Verdict::kDelivered);
  HttpRequest ours = plain.Requests().front();
  HttpRequest theirs = server_.Requests().front();
  EXPECT_EQ(theirs.method, ours.method);
  EXPECT_EQ(theirs.target, ours.target);
  EXPECT_EQ(theirs.body, ours.body);
  EXPECT_EQ(theirs.Header("host"), "127.0.0.1:" + std::to_string(server_.port()));
  EXPECT_EQ(theirs.Header("webhook-id"), "0123456789abcdef-1");
  for (const char* differs : {"host", "webhook-id"}) {
    ours.headers.erase(differs);
    theirs.headers.erase(differs);
  }
  EXPECT_EQ(theirs.headers, ours.headers);
}

TEST_F(TransferTest, SendsAnEmptyBody) {
  options_.body = "";
  EXPECT_EQ(bench_.DeliverAndWait(peers_.Of(server_), options_).verdict, Verdict::kDelivered);
  EXPECT_EQ(server_.Requests()[0].Header("content-length"), "0");
}

TEST_F(TransferTest, NeverAsksForLeaveToSendTheBody) {
  options_.body = std::string(4 << 20, 'x');
  EXPECT_EQ(bench_.DeliverAndWait(peers_.Of(server_), options_).verdict, Verdict::kDelivered);
  const auto requests = server_.Requests();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_THAT(requests[0].head, Not(HasSubstr("Expect")));
  EXPECT_TRUE(requests[0].body == options_.body);
}

TEST_F(TransferTest, APeerThatDoesNotTakeUpHttp2GetsConnectionsOfOurOwn) {
  const Endpoint endpoint = peers_.Of(server_);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(bench_.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
  }
  EXPECT_EQ(server_.connections(), 2);
  const auto requests = server_.Requests();
  EXPECT_EQ(requests[0].connection, 1);
  for (int i = 1; i < 5; ++i) EXPECT_EQ(requests[i].connection, 2) << i;
}

// Such a peer refuses the handshake of who offers HTTP/1.1 alone.
int SelectHttp2(SSL*, const unsigned char**, unsigned char*, const unsigned char* offered,
                unsigned size, void* is_needed) {
  const std::string_view list(reinterpret_cast<const char*>(offered), size);
  const bool refuses =
      static_cast<std::atomic<bool>*>(is_needed)->load() && list.find("\x02h2") == list.npos;
  return refuses ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

TEST_F(TransferTest, OffersHttp2AgainToAPeerThatWantsNothingElse) {
  std::atomic<bool> is_needed = false;
  SSL_CTX_set_alpn_select_cb(peers_.tls()->context(), SelectHttp2, &is_needed);
  ScriptedServer server(
      [](const HttpRequest& request, Connection& c) {
        c.Answer(200, "OK", "{}", "Connection: close\r\n");
        if (request.connection == 2) c.WaitUntilClosed();
      },
      peers_.tls());
  const Endpoint endpoint = peers_.Of(server);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(bench_.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
  }
  is_needed = true;
  const auto refused = bench_.DeliverAndWait(endpoint);
  EXPECT_EQ(refused.verdict, Verdict::kRetryLater);
  EXPECT_EQ(refused.reason, "TLS failure");
  EXPECT_TRUE(refused.never_sent);
  EXPECT_EQ(bench_.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
}

TEST_F(TransferTest, AStrangerIsSentNothing) {
  const SchemePeers others{Scheme::kTlsByLibcurl};
  const auto result = bench_.DeliverAndWait(others.Of(server_));
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.reason, "TLS failure");
  EXPECT_EQ(result.remote_code, 0);
  EXPECT_TRUE(result.never_sent);
  EXPECT_THAT(server_.Requests(), SizeIs(0));
}

TEST_F(TransferTest, APeerThatSaysNothingToTheHandshakeTimesOut) {
  ScriptedServer silent(ScriptedServer::NeverRead());
  options_.timeout = absl::Milliseconds(300);
  const auto result = bench_.DeliverAndWait(peers_.Of(silent), options_);
  EXPECT_EQ(result.reason, "timed out");
  EXPECT_TRUE(result.never_sent);
}

TEST_F(TransferTest, BelievesAnEndOnlyWhereThePeerSaysIt) {
  ScriptedServer cut(
      [](const HttpRequest&, Connection& c) {
        c.Send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it");
        c.Reset();
      },
      peers_.tls());
  const auto result = bench_.DeliverAndWait(peers_.Of(cut));
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.remote_code, 0);
}

}  // namespace
}  // namespace tallybus::rest
