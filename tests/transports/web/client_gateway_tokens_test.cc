// Clients that must show a token: in three places, good ones and none.
#include <absl/strings/match.h>

#include "tests/transports/web/gateway_bench.h"

namespace tallybus {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Frame;
using testing::GatewayBench;
using ::testing::HasSubstr;
using testing::kNothingLives;
using ::testing::Not;
using testing::PlainClient;
using ::testing::StartsWith;
using testing::WebSocketPeer;

constexpr char kUpgrade[] =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

// "good" allows the session s1 in the app "app", "other" the session s2; "brief" is good for a
// moment.
class ClientGatewayTokensTest : public GatewayBench {
 protected:
  ClientGatewayTokensTest() {
    options_.authorize = [this](std::string_view token) -> absl::StatusOr<WatchPermissionsPtr> {
      if (token != "good" && token != "other" && token != "brief") {
        return absl::UnauthenticatedError("the token is wrong");
      }
      auto permissions = std::make_shared<WatchPermissions>();
      permissions->only = {{WatchKey::Kind::kSession, token == "other" ? "s2" : "s1"}};
      permissions->app = "app";
      if (token == "brief") permissions->expires = clock_.WallNow() + absl::Seconds(3);
      return permissions;
    };
  }
  // The whole head of the answer.
  std::string Ask(const std::string& target, const std::string& headers = "") {
    PlainClient peer(address());
    peer.Send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    return peer.ReadThrough("\r\n\r\n");
  }
  static std::string WatchWith(const std::string& token, const std::string& session = "s1") {
    return Watch(session, R"(,"token":")" + token + "\"");
  }
};

TEST_F(ClientGatewayTokensTest, ABadTokenInHeaderOrQueryIs401OnBothPaths) {
  Start();
  for (const char* target : {"/clients", "/events?session=s1"}) {
    const std::string answer = Ask(target, std::string(kUpgrade) + "Authorization: Bearer bad\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401")) << target;
    EXPECT_THAT(answer, HasSubstr("WWW-Authenticate: Bearer\r\n"));
  }
  EXPECT_THAT(Ask("/clients?access_token=bad", kUpgrade), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(Ask("/events?session=s1&access_token=bad"), StartsWith("HTTP/1.1 401"));
  EXPECT_EQ(Refused("unauthorized"), 4u);
}

TEST_F(ClientGatewayTokensTest, AnEventStreamNeedsATokenInItsRequest) {
  Start();
  EXPECT_THAT(Ask("/events?session=s1"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(Ask("/events?session=s1", "Authorization: bearer good\r\n"),
              StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Ask("/events?session=s1&access_token=good"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Ask("/events?session=s2&access_token=good"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Ask("/events?session=s1&access_token=bad", "Authorization: Bearer good\r\n"),
              StartsWith("HTTP/1.1 200"))
      << "the header counts more";
  EXPECT_EQ(Refused("not_allowed"), 1u);
}

TEST_F(ClientGatewayTokensTest, WhatTheTokenDoesNotGrantEndsIn4403) {
  Start();
  WebSocketPeer peer(address(), "/clients", 0, "Authorization: Bearer good\r\n");
  peer.Send(Watch("s1"));
  EXPECT_EQ(peer.Read(), kNothingLives);
  peer.Send(Watch("s2"));
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 4403"));
}

TEST_F(ClientGatewayTokensTest, TheFirstFrameMayBringTheTokenAndTheQueryWaitsForIt) {
  options_.authorize = [](std::string_view token) -> absl::StatusOr<WatchPermissionsPtr> {
    if (token == "all") return EveryPermission();
    return absl::UnauthenticatedError("the token is wrong");
  };
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1");
  peer.Send(Frame(R"({"message":"Ping"})"));
  EXPECT_EQ(peer.Read(), R"({"message":"Pong"})") << "nothing is told before the token came";
  peer.Send(WatchWith("all", "s2"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(peer.Read(), kNothingLives);
  Notify("{}", "s1");
  EXPECT_EQ(peer.Read(), Event(1, 1, "{}"));
}

TEST_F(ClientGatewayTokensTest, ABadOrMissingTokenInTheFirstFrameEndsIn4401) {
  Start();
  const std::string unwatch = Frame(R"({"message":"Unwatch","data":[{"session":"s1"}]})");
  for (const std::string& frame : {WatchWith("bad"), Watch("s1"), unwatch}) {
    WebSocketPeer peer(address(), "/clients?session=s1");
    peer.Send(frame);
    EXPECT_THAT(peer.ReadClose(), StartsWith("close 4401 the "));
    EXPECT_TRUE(peer.Ended());
  }
  EXPECT_TRUE(Becomes([&] { return Closes("unauthorized") == 3; }));
}

TEST_F(ClientGatewayTokensTest, ATokenThatIsTooLongEndsIn4401BeforeAllOfItIsRead) {
  Start();
  WebSocketPeer peer(address(), "/clients");
  // A frame of 100,000 bytes, of which a part comes.
  peer.Send(std::string("\x81\xff\0\0\0\0\0\x01\x86\xa0\0\0\0\0", 14) + std::string(20'000, 'x'));
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 4401 the token is too long"));
  EXPECT_TRUE(Becomes([&] { return Closes("unauthorized") == 1; }));
}

TEST_F(ClientGatewayTokensTest, WhoShowsNoTokenInTimeEndsIn4408) {
  options_.audience.times.first_watch = absl::Milliseconds(20);
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1");
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 4408 no watch came in time"));
}

TEST_F(ClientGatewayTokensTest, ATokenThatExpiresEndsBothKinds) {
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1&access_token=brief");
  PlainClient events(address());
  events.Send("GET /events?session=s1&access_token=brief HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(peer.Read(), kNothingLives);
  EXPECT_THAT(events.ReadThrough("\n\n"), HasSubstr("Snapshot"));
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 4401 token expired"));
  EXPECT_TRUE(events.Ended());
  EXPECT_TRUE(Becomes([&] { return Closes("expired") == 2; }));
}

TEST_F(ClientGatewayTokensTest, ANewTokenGoesOnWithWhatItGrants) {
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1&access_token=brief");
  EXPECT_EQ(peer.Read(), kNothingLives);
  peer.Send(WatchWith("good"));
  EXPECT_EQ(peer.Read(), kNothingLives);
  WebSocketPeer witness(address(), "/clients?session=s1&access_token=brief");
  EXPECT_EQ(witness.Read(), kNothingLives);
  EXPECT_THAT(witness.ReadClose(), StartsWith("close 4401 token expired"));
  Notify("{}");
  EXPECT_EQ(peer.Read(), Event(1, 1, "{}"));
  peer.Send(WatchWith("other", "s2"));
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 4403")) << "s1 is watched, and is not in it";
}

TEST_F(ClientGatewayTokensTest, WhatWaitsIsAskedAndToldUnderTheTokenThatBroughtIt) {
  options_.authorize = [](std::string_view token) -> absl::StatusOr<WatchPermissionsPtr> {
    auto permissions = std::make_shared<WatchPermissions>();
    permissions->only = {{WatchKey::Kind::kSession, token == "of_x" ? "s1" : "s2"}};
    permissions->app = token == "of_x" ? "x" : "z";
    return permissions;
  };
  options_.audience.between_passes = absl::Milliseconds(200);
  Start();
  WebSocketPeer first(address(), "/clients?session=s1&access_token=of_x");
  EXPECT_EQ(first.Read(), kNothingLives);
  WebSocketPeer peer(address(), "/clients");
  peer.Send(WatchWith("of_x", "s1") + WatchWith("of_z", "s2"));  // waits for the next question
  EXPECT_EQ(peer.Read(), kNothingLives);
  EXPECT_THAT(peer.ReadClose(), StartsWith("close 4403")) << "s1 is watched, and is not in it";
  EXPECT_THAT(Asked(), ElementsAre("x", "x"));
}

TEST_F(ClientGatewayTokensTest, WhatIsLetGoBeforeNeedNotBeInTheNewToken) {
  options_.audience.between_passes = absl::Milliseconds(50);
  Start();
  WebSocketPeer peer(address(), "/clients");
  peer.Send(WatchWith("good") + Frame(R"({"message":"Unwatch","data":[{"session":"s1"}]})") +
            WatchWith("other", "s2"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(peer.Read(), kNothingLives);
  Notify("{}", "s1");
  Notify("{}", "s2");
  EXPECT_EQ(peer.Read(), Event(1, 2, "{}"));
}

TEST_F(ClientGatewayTokensTest, APageThatMayWatchMayReadWhyItWasRefused) {
  options_.access.allowed_origins = {"https://a.example"};
  Start();
  const std::string allow = "Access-Control-Allow-Origin: https://a.example\r\n";
  for (const char* query : {"?session=s1", "?session=s1&access_token=bad", "?access_token=good",
                            "?session=s2&access_token=good"}) {
    const std::string answer = Ask(std::string("/events") + query, "Origin: https://a.example\r\n");
    EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 4"), HasSubstr(allow))) << query;
    EXPECT_THAT(answer, HasSubstr("Vary: Origin\r\n"));
  }
  EXPECT_THAT(Ask("/events?session=s1", "Origin: https://b.example\r\n"),
              AllOf(StartsWith("HTTP/1.1 403"), Not(HasSubstr("Access-Control"))));
  EXPECT_THAT(Ask("/events?session=s1"), Not(HasSubstr("Access-Control")));
}

TEST_F(ClientGatewayTokensTest, APageMayReadTheBackendsNo) {
  options_.authorize = nullptr;
  options_.ask_backend = true;
  backend_.answer = {false, "no such user", "{}", {}};
  Start();
  EXPECT_THAT(Ask("/events?session=s1", "Origin: http://localhost\r\n"),
              AllOf(StartsWith("HTTP/1.1 401"),
                    HasSubstr("Access-Control-Allow-Origin: http://localhost\r\n")));
}

TEST_F(ClientGatewayTokensTest, EventsOfAnotherAppDoNotReachWhoIsBoundToOne) {
  Start();
  WebSocketPeer peer(address(), "/clients?session=s1&access_token=good");
  EXPECT_EQ(peer.Read(), kNothingLives);
  Notify("{}", "s1", "other-app");
  Notify("{}", "s1");
  EXPECT_EQ(peer.Read(), Event(1, 2, "{}"));
  WebSocketPeer back(address(), "/clients?session=s1&access_token=good");
  EXPECT_EQ(back.Read(), kNothingLives);
}

TEST_F(ClientGatewayTokensTest, WhereNoTokenIsWantedOneIsPassedOver) {
  options_.authorize = nullptr;
  Start();
  WebSocketPeer peer(address(), "/clients?access_token=x", 0, "Authorization: Bearer y\r\n");
  peer.Send(WatchWith("z"));
  EXPECT_EQ(peer.Read(), kNothingLives);
}

}  // namespace
}  // namespace tallybus
