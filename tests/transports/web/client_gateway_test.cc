// Who is let in, and how the two threads of the gateway meet.
#include "transports/web/client_gateway.h"

#include <atomic>
#include <thread>

#include "tests/transports/web/gateway_bench.h"

namespace tallybus {
namespace {

using testing::Frame;
using testing::GatewayBench;
using ::testing::HasSubstr;
using testing::kNothingLives;
using testing::PlainClient;
using ::testing::StartsWith;
using testing::WebSocketPeer;

class ClientGatewayTest : public GatewayBench {
 protected:
  // The first line of the answer to this request.
  std::string Ask(const std::string& target, const std::string& headers,
                  const std::string& host = "Host: localhost\r\n") {
    PlainClient peer(address());
    peer.Send("GET " + target + " HTTP/1.1\r\n" + host + headers + "\r\n");
    const std::string line = peer.ReadThrough("\r\n");
    return line.substr(0, line.size() - 2);
  }
  static constexpr char kUpgrade[] =
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
};

TEST_F(ClientGatewayTest, AForeignPageAndAForeignNameAreRefusedOnBothPaths) {
  Start();
  for (const char* target : {"/clients", "/events?session=s1"}) {
    EXPECT_EQ(Ask(target, std::string(kUpgrade) + "Origin: https://evil.example\r\n"),
              "HTTP/1.1 403 Forbidden");
    EXPECT_EQ(Ask(target, kUpgrade, "Host: evil.example\r\n"), "HTTP/1.1 403 Forbidden");
  }
  EXPECT_EQ(Refused("origin"), 2u);
  EXPECT_EQ(Refused("host"), 2u);
  EXPECT_EQ(Ask("/clients", std::string(kUpgrade) + "Origin: http://localhost:3000\r\n"),
            "HTTP/1.1 101 Switching Protocols");
}

TEST_F(ClientGatewayTest, AServerThatBeginsToStopTakesNobodyMoreAndKeepsWhoIsThere) {
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1");
  EXPECT_EQ(peer.Read(), kNothingLives);
  gateway_->TakeNoMore();
  EXPECT_EQ(Ask("/clients", kUpgrade), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(Refused("shutdown"), 1u);
  Notify("{}");
  EXPECT_EQ(peer.Read(), Event(1, 1, "{}"));
}

TEST_F(ClientGatewayTest, ConfiguredPagesAndNamesAreLetIn) {
  options_.access = {{"https://media.example"}, {"media.example"}};
  Start();
  EXPECT_EQ(Ask("/clients", std::string(kUpgrade) + "Origin: https://media.example\r\n",
                "Host: media.example\r\n"),
            "HTTP/1.1 101 Switching Protocols");
}

TEST_F(ClientGatewayTest, WhatIsNoWebSocketIsTold) {
  Start();
  EXPECT_EQ(Ask("/clients", ""), "HTTP/1.1 426 Upgrade Required");
  EXPECT_EQ(Ask("/clients", std::string(kUpgrade) + "Sec-WebSocket-Protocol: wcs\r\n"),
            "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(Refused("no_upgrade"), 1u);
  EXPECT_EQ(Refused("subprotocol"), 1u);
}

TEST_F(ClientGatewayTest, AQueryThatCannotBeReadIsRefused) {
  Start();
  EXPECT_EQ(Ask("/events", ""), "HTTP/1.1 400 Bad Request") << "it watches nothing";
  EXPECT_EQ(Ask("/events?sesion=s1", ""), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(Ask("/clients?session=", kUpgrade), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(Refused("query"), 3u);
}

TEST_F(ClientGatewayTest, MoreThanTheMostAreTurnedAwayUntilOneLeaves) {
  options_.most_clients = 1;
  Start();
  {
    WebSocketPeer peer(address(), "/clients?session=s1");
    EXPECT_EQ(peer.Read(), kNothingLives);
    EXPECT_EQ(Ask("/events?session=s1", ""), "HTTP/1.1 503 Service Unavailable");
    EXPECT_EQ(Ask("/clients", kUpgrade), "HTTP/1.1 503 Service Unavailable");
    EXPECT_EQ(Refused("full"), 2u);
  }
  EXPECT_TRUE(Becomes([&] { return Connected("websocket") == 0; }));
  WebSocketPeer next(address(), "/clients?session=s1");
  EXPECT_EQ(next.Read(), kNothingLives);
}

TEST_F(ClientGatewayTest, ClientsDoNotCountAsHttpConnections) {
  Start();
  std::vector<std::unique_ptr<WebSocketPeer>> peers;
  for (int i = 0; i < 300; ++i) {
    peers.push_back(std::make_unique<WebSocketPeer>(address(), "/clients?session=s1"));
    ASSERT_EQ(peers.back()->Read(), kNothingLives) << i;
  }
  Notify("{}");
  for (auto& peer : peers) EXPECT_EQ(peer->Read(), Event(1, 1, "{}"));
}

TEST_F(ClientGatewayTest, WhoSpeaksBeforeTheAnswerSpeaksNoWebSocket) {
  Start();
  PlainClient peer(address());
  peer.Send("GET /clients HTTP/1.1\r\nHost: localhost\r\n" + std::string(kUpgrade) + "\r\n" +
            Watch("s1"));
  EXPECT_EQ(peer.ReadThrough("\r\n"), "HTTP/1.1 400 Bad Request\r\n");
}

TEST_F(ClientGatewayTest, AtTheEndWhatWaitsIsToldAndThen1001AndNobodyIsLetIn) {
  options_.audience.times.closing = absl::Milliseconds(20);
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1");
  EXPECT_EQ(peer.Read(), kNothingLives);
  Notify("{}");
  std::thread end([this] { gateway_->GoAway(absl::Seconds(10)); });
  EXPECT_EQ(peer.Read(), Event(1, 1, "{}"));
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 1001"));
  end.join();
  EXPECT_EQ(Connected("websocket"), 0);
  EXPECT_EQ(Closes("shutdown"), 1u);
  EXPECT_EQ(Ask("/clients", kUpgrade), "HTTP/1.1 503 Service Unavailable");
}

TEST_F(ClientGatewayTest, WithoutClientsTheEndWaitsForNobody) {
  Start();
  gateway_->GoAway(absl::Hours(1));
}

TEST_F(ClientGatewayTest, AServerThatStopsWithClientsLeavesNothingBehind) {
  Start();
  WebSocketPeer web_socket(address(), "/clients?session=s1");
  PlainClient events(address());
  events.Send("GET /events?session=s1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(web_socket.Read(), kNothingLives);
  EXPECT_THAT(events.ReadThrough("\n\n"), HasSubstr("200 OK"));
  server_->Stop();
  EXPECT_EQ(Connected("websocket") + Connected("sse"), 0);
  Notify("{}");
}

TEST_F(ClientGatewayTest, WhatFindsTheMailboxFullIsAGapForAll) {
  options_.mailbox.bytes = 2000;
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1");
  EXPECT_EQ(peer.Read(), kNothingLives);
  Notify("\"" + std::string(3000, 'x') + "\"");
  Notify("{}");
  EXPECT_EQ(peer.Read(), R"({"sequence":0,"message":"Gap","data":[{"missed":null}]})");
  EXPECT_EQ(peer.Read(), Event(1, 2, "{}"));
  EXPECT_EQ(gateway_->gaps(), 1u);
}

TEST_F(ClientGatewayTest, WhatIsLostAtTheEndOfABurstIsToldAlthoughNothingFollows) {
  options_.mailbox.bytes = 2000;
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1");
  EXPECT_EQ(peer.Read(), kNothingLives);
  for (int burst = 0; burst < 3; ++burst) {
    Notify("\"" + std::string(3000, 'x') + "\"");
    EXPECT_EQ(peer.Read(), R"({"sequence":0,"message":"Gap","data":[{"missed":null}]})");
  }
}

TEST_F(ClientGatewayTest, WatchesThatComeTogetherWaitOutThePauseAndAreAnswered) {
  options_.audience.between_passes = absl::Milliseconds(30);
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1");
  WebSocketPeer other(address(), "/clients?session=s2");
  EXPECT_EQ(peer.Read(), kNothingLives);
  EXPECT_EQ(other.Read(), kNothingLives);
  peer.Send(Watch("s1"));
  EXPECT_EQ(peer.Read(), kNothingLives);
}

TEST_F(ClientGatewayTest, EventsThatComeWhileClientsComeAreToldOnceOrStandInTheSnapshot) {
  Start();
  std::atomic<bool> stop{false};
  std::thread router([&] {
    for (int i = 0; !stop; ++i) {
      Notify("{}");
      if (i % 16 == 0) poll(nullptr, 0, 1);  // the web thread takes the same lock to answer
    }
  });
  for (int i = 0; i < 50; ++i) {
    WebSocketPeer peer(address(), "/clients?session=s1");
    EXPECT_EQ(peer.Read(), kNothingLives);
    uint64_t last = 0;
    for (uint64_t sequence = 1; sequence <= 20; ++sequence) {
      const std::string event = peer.Read();
      if (event.find("\"Gap\"") != std::string::npos) break;
      EXPECT_THAT(event, StartsWith("{\"sequence\":" + std::to_string(sequence) + ","));
      const size_t dash = event.find("0000000000000001-") + 17;
      const uint64_t number = std::stoull(event.substr(dash));
      EXPECT_TRUE(last == 0 || number == last + 1) << number << " after " << last;
      last = number;
    }
  }
  stop = true;
  router.join();
}

}  // namespace
}  // namespace tallybus
