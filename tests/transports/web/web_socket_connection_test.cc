// The WebSocket on a real socket: orderly frames, broken ones, peers that stall.
#include "transports/web/web_socket_connection.h"

#include "tests/transports/web/gateway_bench.h"

namespace tallybus {
namespace {

using testing::Frame;
using testing::GatewayBench;
using ::testing::HasSubstr;
using testing::kNothingLives;
using ::testing::StartsWith;
using testing::WebSocketPeer;

class WebSocketConnectionTest : public GatewayBench {};

TEST_F(WebSocketConnectionTest, AWatchBringsASnapshotAndThenEvents) {
  live_ = {R"({"name":"cam"})"};
  Start();
  WebSocketPeer peer(address(), "/clients", 0, "Sec-WebSocket-Protocol: x, tallybus.v1\r\n");
  EXPECT_THAT(peer.handshake, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(peer.handshake, HasSubstr("Sec-WebSocket-Protocol: tallybus.v1"));
  peer.Send(Watch("s1"));
  EXPECT_EQ(peer.Read(), R"({"sequence":0,"message":"Snapshot","data":[{"name":"cam"}]})");
  Notify("{}", "s2");
  Notify("{}");
  EXPECT_EQ(peer.Read(), Event(1, 2, "{}"));
  EXPECT_EQ(Connected("websocket"), 1);
}

TEST_F(WebSocketConnectionTest, AWatchMayStandInTheAddress) {
  Start();
  WebSocketPeer peer(address(), "/clients?stream=cam");
  EXPECT_EQ(peer.Read(), kNothingLives);
  Notify("{}", "any");
  EXPECT_EQ(peer.Read(), Event(1, 1, "{}"));
}

TEST_F(WebSocketConnectionTest, FragmentsArePutTogetherAndPingsAnswered) {
  Start();
  WebSocketPeer peer(address(), "/clients");
  const std::string watch = R"({"message":"Watch","data":[{"session":"s1"}]})";
  peer.Send(Frame(watch.substr(0, 10), 0x01) + Frame("", 0x8a) + Frame(watch.substr(10), 0x80));
  EXPECT_EQ(peer.Read(), kNothingLives);
  peer.Send(Frame(R"({"message":"Ping"})"));
  EXPECT_EQ(peer.Read(), R"({"message":"Pong"})");
}

TEST_F(WebSocketConnectionTest, FramesInARowAreTakenInTheirOrder) {
  Start();
  WebSocketPeer peer(address(), "/clients");
  peer.Send(Watch("s1") + Watch("s2") +
            Frame(R"({"message":"Unwatch","data":[{"session":"s1"}]})") + Watch("s3"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(peer.Read(), kNothingLives);
  Notify("{}", "s1");
  Notify("{}", "s2");
  EXPECT_EQ(peer.Read(), Event(1, 2, "{}"));
}

struct Broken {
  std::string frame;
  std::string close;
  std::string reason;
};

TEST_F(WebSocketConnectionTest, EachBrokenFrameEndsInItsCloseCode) {
  const Broken kBroken[] = {
      {Frame("x", 0x82), "close 1003", "binary"},
      {Frame("nonsense"), "close 4400 the frame is no JSON object", "malformed"},
      {Frame(R"({"message":"Watch","data":[]})"), "close 4400 data is empty", "malformed"},
      {Frame(std::string(4097, ' ')), "close 1009", "frame_too_large"},
      {Frame(std::string(4000, ' '), 0x01) + Frame(std::string(97, ' '), 0x80), "close 1009",
       "frame_too_large"},
      {Frame("{}", 0x81, false), "close 1002", "protocol"},
      {Frame("{}", 0xc1), "close 1002", "protocol"},
      {Frame("{}", 0x83), "close 1002", "protocol"},
      {Frame("{}", 0x80), "close 1002", "protocol"},
      {Frame("\xff"), "close 1007", "protocol"},
  };
  Start();
  for (const Broken& broken : kBroken) {
    const uint64_t before = Closes(broken.reason);
    WebSocketPeer peer(address(), "/clients?session=s1");
    EXPECT_EQ(peer.Read(), kNothingLives);
    peer.Send(broken.frame);
    EXPECT_THAT(peer.ReadClose(), StartsWith(broken.close)) << broken.close;
    EXPECT_TRUE(peer.Ended()) << broken.close;
    EXPECT_TRUE(Becomes([&] { return Closes(broken.reason) == before + 1; })) << broken.close;
  }
  EXPECT_TRUE(Becomes([&] { return Connected("websocket") == 0; }));
}

TEST_F(WebSocketConnectionTest, MoreThan64WatchesEndIn4429) {
  Start();
  WebSocketPeer peer(address(), "/clients");
  for (int i = 0; i < 65; ++i) {
    peer.Send(Watch("s" + std::to_string(i)));
    if (i == 64) break;
    EXPECT_EQ(peer.Read(), kNothingLives);
  }
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 4429"));
}

TEST_F(WebSocketConnectionTest, FramesThatComeFasterThanAnswersEndIn4429) {
  answers_ = false;
  Start();
  WebSocketPeer peer(address(), "/clients");
  for (int i = 0; i < 18; ++i) peer.Send(Watch("s" + std::to_string(i)));
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 4429 frames"));
}

TEST_F(WebSocketConnectionTest, APeerThatClosesAndStaysIsCut) {
  options_.audience.times.closing = absl::Milliseconds(20);
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1");
  EXPECT_EQ(peer.Read(), kNothingLives);
  peer.Send(Frame("\x03\xe8", 0x88));
  EXPECT_EQ(peer.Read(), "close 1000 ");
  EXPECT_TRUE(Becomes([&] { return Connected("websocket") == 0; }));
  EXPECT_EQ(Closes("client"), 1u);
}

TEST_F(WebSocketConnectionTest, AClientThatWaitsForItsAnswerIsAliveAndMayGo) {
  answers_ = false;
  Start();
  {
    WebSocketPeer peer(address(), "/clients?session=s1");
    peer.Send(Frame(R"({"message":"Ping"})"));
    EXPECT_EQ(peer.Read(), R"({"message":"Pong"})");
    EXPECT_EQ(Connected("websocket"), 1);
  }
  EXPECT_TRUE(Becomes([&] { return Connected("websocket") == 0; }));
}

TEST_F(WebSocketConnectionTest, WhoWatchesNothingEndsIn4408) {
  options_.audience.times.first_watch = absl::Milliseconds(20);
  Start();
  WebSocketPeer peer(address(), "/clients");
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 4408 no watch"));
  EXPECT_EQ(Closes("no_watch"), 1u);
}

TEST_F(WebSocketConnectionTest, WhoAnswersNoPingEndsIn4408) {
  options_.audience.times.ping_every = absl::Milliseconds(50);
  options_.audience.times.silence = absl::Seconds(3);
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1");
  EXPECT_EQ(peer.Read(), kNothingLives);
  std::string next = peer.Read();
  EXPECT_EQ(next, "ping");
  while (next == "ping") next = peer.Read();
  EXPECT_THAT(next, StartsWith("close 4408 nothing came"));
}

TEST_F(WebSocketConnectionTest, APongIsASignOfLife) {
  options_.audience.times.ping_every = absl::Milliseconds(20);
  options_.audience.times.silence = absl::Seconds(3);
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1");
  EXPECT_EQ(peer.Read(), kNothingLives);
  for (int i = 0; i < 160; ++i) {  // 3.2 s and more
    ASSERT_EQ(peer.Read(), "ping");
    peer.Send(Frame("", 0x8a));
  }
}

TEST_F(WebSocketConnectionTest, WhoReadsSlowlyIsToldOfItsGapAndGoesOn) {
  options_.audience.queue = {8, 1 << 20};
  options_.send_buffer_bytes = 4096;
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1", 4096);
  EXPECT_EQ(peer.Read(), kNothingLives);
  const std::string large = "\"" + std::string(50'000, 'x') + "\"";
  for (int i = 0; i < 40; ++i) Notify(large);
  ASSERT_TRUE(Becomes([&] { return gateway_->gaps() > 0; }));
  std::string next = peer.Read();
  uint64_t seen = 0;
  for (; next.find("\"Gap\"") == std::string::npos; next = peer.Read()) {
    EXPECT_THAT(next, StartsWith("{\"sequence\":" + std::to_string(++seen) + ","));
  }
  EXPECT_EQ(next, "{\"sequence\":40,\"message\":\"Gap\",\"data\":[{\"missed\":" +
                      std::to_string(40 - seen) + "}]}");
  Notify("{}");
  EXPECT_EQ(peer.Read(), Event(41, 41, "{}"));
}

TEST_F(WebSocketConnectionTest, WhoStopsReadingIsClosedAndTheOthersAreNot) {
  options_.audience.times.not_reading = absl::Milliseconds(100);
  options_.audience.times.closing = absl::Milliseconds(50);
  options_.send_buffer_bytes = 4096;
  Start();
  WebSocketPeer stalled(address(), "/clients?session=s1", 4096);
  WebSocketPeer reader(address(), "/clients?session=s2");
  EXPECT_EQ(reader.Read(), kNothingLives);
  ASSERT_EQ(stalled.Read(), kNothingLives);
  for (int i = 0; i < 20; ++i) Notify("\"" + std::string(100'000, 'x') + "\"");
  EXPECT_TRUE(Becomes([&] { return Closes("not_reading") == 1; }));
  EXPECT_TRUE(Becomes([&] { return Connected("websocket") == 1; })) << "the stalled one is cut";
  Notify("{}", "s2");
  EXPECT_EQ(reader.Read(), Event(1, 21, "{}"));
}

TEST_F(WebSocketConnectionTest, APeerThatGoesIsForgotten) {
  Start();
  {
    WebSocketPeer peer(address(), "/clients?session=s1");
    EXPECT_EQ(peer.Read(), kNothingLives);
  }
  EXPECT_TRUE(Becomes([&] { return Connected("websocket") == 0; }));
  EXPECT_EQ(Closes("lost"), 1u);
  WebSocketPeer orderly(address(), "/clients?session=s1");
  EXPECT_EQ(orderly.Read(), kNothingLives);
  orderly.Send(Frame("\x03\xe8", 0x88));
  EXPECT_EQ(orderly.Read(), "close 1000 ");
  EXPECT_TRUE(Becomes([&] { return Closes("client") == 1; }));
}

TEST_F(WebSocketConnectionTest, AHandshakeWithoutItsKeyIsRefused) {
  Start();
  testing::PlainClient peer(address());
  peer.Send(
      "GET /clients HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n");
  EXPECT_THAT(peer.ReadThrough("\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(Becomes([&] { return Connected("websocket") == 0; }));
}

}  // namespace
}  // namespace tallybus
