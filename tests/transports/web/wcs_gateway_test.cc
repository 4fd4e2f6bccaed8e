// The wcs dialect on a real socket.
#include "tests/transports/web/gateway_bench.h"

namespace tallybus {
namespace {

using testing::Frame;
using testing::GatewayBench;
using ::testing::HasSubstr;
using testing::kNothingLives;
using ::testing::Not;
using ::testing::StartsWith;
using testing::WebSocketPeer;

class WcsGatewayTest : public GatewayBench {
 protected:
  static std::string Connection(const std::string& more = "") {
    return Frame(R"({"message":"connection","data":[{"appKey":"app")" + more + "}]}");
  }
  // The session that a getUserData tells.
  static std::string SessionOf(const std::string& user_data) {
    const size_t at = user_data.find("web/");
    return at == std::string::npos ? "" : user_data.substr(at, 20);
  }
  static std::string Status(const std::string& json) {
    return R"({"message":"notifyStreamStatusEvent","data":[)" + json + "]}";
  }
  void ExpectTold(WebSocketPeer& peer, const std::string& session) {
    Notify(R"({"n":1})", session);
    EXPECT_EQ(peer.Read(), Status(R"({"n":1})"));
  }
};

TEST_F(WcsGatewayTest, ASessionIsEstablishedAndToldItsEvents) {
  Start();
  WebSocketPeer peer(address(), "/wcs");
  EXPECT_THAT(peer.handshake, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(peer.handshake, Not(HasSubstr("Sec-WebSocket-Protocol")));
  peer.Send(Connection());
  const std::string user = peer.Read();
  EXPECT_THAT(user, StartsWith(R"({"message":"getUserData","data":[{"appKey":"app",)"));
  ExpectTold(peer, SessionOf(user));
}

TEST_F(WcsGatewayTest, AFirstFrameConnectionIsUnderstoodOnTheOtherPath) {
  Start();
  WebSocketPeer peer(address(), "/clients");
  peer.Send(Connection());
  EXPECT_THAT(peer.Read(), HasSubstr("getUserData"));
  peer.Send(Frame(R"({"message":"ping","data":[null]})"));
  EXPECT_EQ(peer.Read(), R"({"message":"pong","data":[]})");
}

TEST_F(WcsGatewayTest, WhoSaidThatHeSpeaksTheOtherDialectIsHeldToIt) {
  Start();
  WebSocketPeer by_subprotocol(address(), "/clients", 0, "Sec-WebSocket-Protocol: tallybus.v1\r\n");
  by_subprotocol.Send(Connection());
  EXPECT_THAT(by_subprotocol.ReadClose(), StartsWith("close 4400"));
  WebSocketPeer by_address(address(), "/clients?session=s1");
  EXPECT_EQ(by_address.Read(), kNothingLives);
  by_address.Send(Connection());
  EXPECT_THAT(by_address.ReadClose(), StartsWith("close 4400"));
  WebSocketPeer by_frame(address(), "/clients");
  by_frame.Send(Watch("s1"));
  EXPECT_EQ(by_frame.Read(), kNothingLives);
  by_frame.Send(Connection());
  EXPECT_THAT(by_frame.ReadClose(), StartsWith("close 4400"));
}

TEST_F(WcsGatewayTest, NobodyHasMuchKeptForHimBeforeHeIsLetIn) {
  Start();
  const std::string custom = R"(,"custom":")";
  WebSocketPeer large(address(), "/wcs");
  large.Send(Connection(custom + std::string(12'000, 'x') + "\""));
  EXPECT_THAT(large.Read(), HasSubstr("getUserData"));
  large.Send(Frame(R"({"message":"ping","data":[")" + std::string(60'000, 'x') + "\"]}"));
  EXPECT_EQ(large.Read(), R"({"message":"pong","data":[]})") << "it was let in";
  WebSocketPeer too_large(address(), "/wcs");
  too_large.Send(Frame(std::string(12'289, ' '), 0x01));
  EXPECT_THAT(too_large.ReadClose(), StartsWith("close 1009"));
}

TEST_F(WcsGatewayTest, ADeclinedOneIsToldWhyAndThenTheConnectionBreaks) {
  backend_.answer = {false, "no such user", "", {}};
  Start();
  WebSocketPeer peer(address(), "/wcs");
  peer.Send(Connection());
  EXPECT_EQ(peer.Read(),
            R"({"message":"fail","data":[{"status":"FAILED","info":"no such user"}]})");
  EXPECT_EQ(peer.ReadClose(), "close 1006 no such user");
  EXPECT_EQ(Closes("declined"), 1u);
  EXPECT_EQ(backend_.closed, 0);
}

TEST_F(WcsGatewayTest, TheSessionClosesWithTheSocketBeforeAndAfterTheAnswer) {
  Start();
  {
    WebSocketPeer peer(address(), "/wcs");
    peer.Send(Connection());
    EXPECT_THAT(peer.Read(), HasSubstr("getUserData"));
  }
  EXPECT_TRUE(Becomes([&] { return backend_.closed == 1; }));
}

TEST_F(WcsGatewayTest, WhoWaitsForTheBackendIsNotSentAwayForItAndMayLeave) {
  backend_.answers = false;
  options_.audience.times.first_watch = absl::Seconds(2);
  Start();
  {
    WebSocketPeer peer(address(), "/wcs");
    peer.Send(Connection());
    EXPECT_TRUE(Becomes([&] { return backend_.asked == 1; }));
    poll(nullptr, 0, 2100);
    EXPECT_EQ(Closes("no_watch"), 0u);
  }
  EXPECT_TRUE(Becomes([&] { return backend_.closed == 1; }));
}

TEST_F(WcsGatewayTest, WhoNeverSaysWhoHeIsIsSentAway) {
  options_.audience.times.first_watch = absl::Milliseconds(20);
  Start();
  WebSocketPeer peer(address(), "/wcs?session=s1");
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 4408"));
}

TEST_F(WcsGatewayTest, TheAddressMayWatchMoreAndWhatLivesIsToldAsStatuses) {
  live_ = {R"({"name":"cam"})", R"({"name":"mic"})"};
  Start();
  WebSocketPeer peer(address(), "/wcs?stream=cam&app=app");
  peer.Send(Connection());
  EXPECT_THAT(peer.Read(), HasSubstr("getUserData"));
  EXPECT_EQ(peer.Read(), Status(R"({"name":"cam"},{"name":"mic"})"));
  ExpectTold(peer, "another");
}

TEST_F(WcsGatewayTest, ItIsPingedInItsOwnWords) {
  options_.audience.times.ping_every = absl::Milliseconds(20);
  Start();
  WebSocketPeer peer(address(), "/wcs");
  EXPECT_EQ(peer.Read(), R"({"message":"ping","data":[]})");
}

TEST_F(WcsGatewayTest, AnOfferOfMediaMayBeLongAndIsRefusedAtOnce) {
  Start();
  for (const char* path : {"/wcs", "/clients"}) {
    WebSocketPeer peer(address(), path);
    peer.Send(Connection());
    EXPECT_THAT(peer.Read(), HasSubstr("getUserData"));
    peer.Send(Frame(R"({"message":"publishStream","data":[{"mediaSessionId":"m","sdp":")" +
                    std::string(60'000, 'v') + R"("}]})"));
    EXPECT_THAT(peer.Read(), HasSubstr("tallybus does not carry media signalling"));
    peer.Send(Frame(std::string(60'000, ' '), 0x01) + Frame(std::string(6'000, ' '), 0x80));
    EXPECT_THAT(peer.ReadClose(), StartsWith("close 1009"));
  }
}

TEST_F(WcsGatewayTest, AFirstFrameOnTheOtherPathIsAsLongAsThoseOfTheOtherDialect) {
  Start();
  WebSocketPeer peer(address(), "/clients");
  peer.Send(Connection(R"(,"custom":")" + std::string(5000, 'x') + '"'));
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 1009"));
}

TEST_F(WcsGatewayTest, ATokenIsAskedForInTheFirstFrame) {
  options_.authorize = [](std::string_view token) -> absl::StatusOr<WatchPermissionsPtr> {
    if (token != "good") return absl::UnauthenticatedError("a token is wanted");
    auto permissions = std::make_shared<WatchPermissions>();
    permissions->only.emplace();
    return permissions;
  };
  Start();
  WebSocketPeer bad(address(), "/wcs");
  bad.Send(Connection());
  EXPECT_THAT(bad.Read(), HasSubstr("a token is wanted"));
  EXPECT_EQ(bad.ReadClose(), "close 1006 a token is wanted");
  EXPECT_EQ(backend_.asked, 0);
  WebSocketPeer good(address(), "/wcs");
  good.Send(Connection(R"(,"authToken":"good")"));
  const std::string user = good.Read();
  EXPECT_THAT(user, HasSubstr(R"("authToken":"good")"));
  ExpectTold(good, SessionOf(user));
  WebSocketPeer by_address(address(), "/wcs?access_token=good");
  by_address.Send(Connection(R"(,"authToken":"for the backend")"));
  EXPECT_THAT(by_address.Read(), HasSubstr("getUserData"));
  WebSocketPeer other_path(address(), "/clients");
  other_path.Send(Connection(R"(,"authToken":"good")"));
  EXPECT_THAT(other_path.Read(), HasSubstr("getUserData"));
}

TEST_F(WcsGatewayTest, WhatIsRefusedOnTheOtherPathsIsRefusedHere) {
  Start();
  const auto answer_to = [this](const std::string& target, const std::string& headers) {
    WebSocketPeer peer(address(), target, 0, headers);
    return peer.handshake.substr(9, 3);
  };
  EXPECT_EQ(answer_to("/wcs", "Origin: https://evil.example\r\n"), "403");
  EXPECT_EQ(answer_to("/wcs?sesion=s1", ""), "400");
  EXPECT_EQ(answer_to("/wcs", "Sec-WebSocket-Protocol: tallybus.v1\r\n"), "400");
  EXPECT_EQ(answer_to("/wcs", "Sec-WebSocket-Protocol: wcs\r\n"), "101");
}

TEST_F(WcsGatewayTest, AtTheEndOfTheServerItIsTold1001) {
  options_.audience.times.closing = absl::Milliseconds(20);
  Start();
  WebSocketPeer peer(address(), "/wcs");
  peer.Send(Connection());
  EXPECT_THAT(peer.Read(), HasSubstr("getUserData"));
  gateway_->GoAway(absl::Seconds(10));
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 1001"));
}

}  // namespace
}  // namespace tallybus
