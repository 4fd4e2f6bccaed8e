// Server-sent events on a real socket.
#include "transports/web/event_stream_connection.h"

#include "tests/transports/web/gateway_bench.h"

namespace tallybus {
namespace {

using testing::GatewayBench;
using ::testing::HasSubstr;
using testing::kNothingLives;
using ::testing::Not;
using testing::PlainClient;
using ::testing::StartsWith;

class EventStreamPeer : public PlainClient {
 public:
  EventStreamPeer(const std::string& address, const std::string& query,
                  const std::string& headers = "", int receive_buffer = 0)
      : PlainClient(address, receive_buffer) {
    Send("GET /events" + query + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    header = ReadThrough("\r\n\r\n");
  }
  std::string Read() { return ReadThrough("\n\n"); }

  std::string header;
};

class EventStreamConnectionTest : public GatewayBench {
 protected:
  static std::string Told(const std::string& name, const std::string& data, uint64_t number = 0) {
    return (number == 0 ? "" : "id: 0000000000000001-" + std::to_string(number) + "\n") +
           "event: " + name + "\ndata: " + data + "\n\n";
  }
};

TEST_F(EventStreamConnectionTest, ABackendThatCouldNotBeAskedIs503) {
  options_.ask_backend = true;
  backend_.answer = {false, "timed out", "", {}};
  Start();
  EventStreamPeer later(address(), "?session=s1");
  EXPECT_THAT(later.header, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(later.header, HasSubstr("Retry-After: 5\r\n"));
  EXPECT_THAT(later.ReadThrough("\n"), HasSubstr("timed out"));
  EXPECT_TRUE(Becomes([&] { return Closes("try_later") == 1; }));
  EXPECT_EQ(Refused("try_later"), 1u);
}

TEST_F(EventStreamConnectionTest, ASnapshotComesFirstAndThenEvents) {
  live_ = {"{\"name\":\n\"cam\"}"};
  Start();
  EventStreamPeer peer(address(), "?session=s1");
  EXPECT_THAT(peer.header, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(peer.header, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(peer.header, Not(HasSubstr("Access-Control")));
  EXPECT_EQ(peer.Read(),
            Told("Snapshot", R"({"sequence":0,"message":"Snapshot","data":[{"name": "cam"}]})"));
  Notify("{}", "s2");
  Notify("{\"a\":\r\n1}");
  EXPECT_EQ(peer.Read(), Told("StreamStatusEvent", Event(1, 2, "{\"a\":  1}"), 2));
  EXPECT_EQ(Connected("sse"), 1);
}

TEST_F(EventStreamConnectionTest, LastEventIdResumesByHeaderAndByParameter) {
  Start();
  EventStreamPeer first(address(), "?session=s1");
  EXPECT_EQ(first.Read(), Told("Snapshot", kNothingLives));
  for (int i = 0; i < 3; ++i) Notify("{}");
  for (int i = 0; i < 3; ++i) (void)first.Read();
  const std::string resumed = Told("Resumed", R"({"sequence":0,"message":"Resumed","data":[]})");
  EventStreamPeer header(address(), "?session=s1&last_event_id=unknown",
                         "Last-Event-ID: 0000000000000001-1\r\n");
  EXPECT_EQ(header.Read(), resumed);
  EXPECT_EQ(header.Read(), Told("StreamStatusEvent", Event(1, 2, "{}"), 2));
  EXPECT_EQ(header.Read(), Told("StreamStatusEvent", Event(2, 3, "{}"), 3));
  EventStreamPeer parameter(address(), "?session=s1&last_event_id=0000000000000001-2");
  EXPECT_EQ(parameter.Read(), resumed);
  EXPECT_EQ(parameter.Read(), Told("StreamStatusEvent", Event(1, 3, "{}"), 3));
  EventStreamPeer unknown(address(), "?session=s1", "Last-Event-ID: 0000000000000001-9\r\n");
  EXPECT_THAT(unknown.Read(), HasSubstr(R"("missed":null)"));
  EXPECT_EQ(unknown.Read(), Told("Snapshot", kNothingLives));
}

TEST_F(EventStreamConnectionTest, APageThatMayWatchMayReadTheAnswer) {
  Start();
  EventStreamPeer peer(address(), "?app=app", "Origin: http://localhost:3000\r\n");
  EXPECT_THAT(peer.header, HasSubstr("Access-Control-Allow-Origin: http://localhost:3000\r\n"));
  EXPECT_THAT(peer.header, HasSubstr("Vary: Origin\r\n"));
}

TEST_F(EventStreamConnectionTest, ACommentAsksWhetherSomebodyIsThere) {
  options_.audience.times.ping_every = absl::Milliseconds(20);
  Start();
  EventStreamPeer peer(address(), "?session=s1");
  EXPECT_EQ(peer.Read(), Told("Snapshot", kNothingLives));
  EXPECT_EQ(peer.Read(), ": ping\n\n");
  EXPECT_EQ(peer.Read(), ": ping\n\n");
}

TEST_F(EventStreamConnectionTest, WhoStopsReadingIsClosed) {
  options_.audience.times.not_reading = absl::Milliseconds(100);
  options_.send_buffer_bytes = 4096;
  Start();
  EventStreamPeer peer(address(), "?session=s1", "", 4096);
  EXPECT_EQ(peer.Read(), Told("Snapshot", kNothingLives));
  for (int i = 0; i < 20; ++i) Notify("\"" + std::string(100'000, 'x') + "\"");
  EXPECT_TRUE(Becomes([&] { return Closes("not_reading") == 1; }));
  EXPECT_TRUE(Becomes([&] { return Connected("sse") == 0; }));
}

TEST_F(EventStreamConnectionTest, APeerThatGoesIsForgotten) {
  Start();
  {
    EventStreamPeer peer(address(), "?session=s1");
    EXPECT_EQ(peer.Read(), Told("Snapshot", kNothingLives));
  }
  EXPECT_TRUE(Becomes([&] { return Connected("sse") == 0; }));
  EXPECT_EQ(Closes("client") + Closes("lost"), 1u);
}

TEST_F(EventStreamConnectionTest, AtTheEndWhatWaitsIsToldAndTheConnectionEnds) {
  Start();
  EventStreamPeer peer(address(), "?session=s1");
  EXPECT_EQ(peer.Read(), Told("Snapshot", kNothingLives));
  Notify("{}");
  gateway_->GoAway(absl::Seconds(10));
  EXPECT_EQ(peer.Read(), Told("StreamStatusEvent", Event(1, 1, "{}"), 1));
  EXPECT_TRUE(peer.Ended());
}

}  // namespace
}  // namespace tallybus
