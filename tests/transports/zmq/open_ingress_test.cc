// The open bus: events from any ZeroMQ program, and every way that a message can be wrong.
#include "transports/zmq/open_ingress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tallybus/v1/event.pb.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_log.h"
#include "tests/transports/zmq/recording_sink.h"
#include "tests/transports/zmq/zmq_peer.h"

namespace tallybus::zmq_transport {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class OpenIngressTest : public ::testing::Test {
 protected:
  OpenIngressTest() {
    auto bound =
        OpenIngress::Bind(context, "tcp://127.0.0.1:0", {sink, clock, metrics, log, "this-node"});
    ingress = *std::move(bound);
    peer.emplace(context, zmq::socket_type::push, ingress->endpoint());
  }

  // Sends a message and a mark behind it, and reads until the mark is there.
  void Send(const std::vector<std::string_view>& frames) {
    peer->Send(frames);
    Settle();
  }
  void Settle() {
    peer->Send({"Mark", "{}"});
    while (WaitReadable(ingress->socket())) {
      ingress->Receive();
      const auto events = sink.events();
      if (!events.empty() && events.back().method == "Mark") break;
    }
    ASSERT_FALSE(sink.batches.empty());
    sink.batches.back().records.pop_back();
  }
  uint64_t Malformed(const std::string& reason) {
    return metrics.GetCounter("tallybus_malformed_total", "", {{"bus", "open"}, {"reason", reason}})
        .Value();
  }

  zmq::context_t context;
  RecordingSink sink;
  testing::ManualClock clock;
  Metrics metrics;
  testing::RecordingLog log;
  std::unique_ptr<OpenIngress> ingress;
  std::optional<Peer> peer;
};

// The socket's descriptor tells of a message once: who asks while it pauses must ask again.
TEST_F(OpenIngressTest, SaysThatThereMayBeMoreWhileItPauses) {
  sink.behind = true;
  EXPECT_TRUE(ingress->Receive());
  sink.behind = false;
  EXPECT_FALSE(ingress->Receive());
}

TEST_F(OpenIngressTest, TakesAJsonObject) {
  Send({"StreamStatusEvent", R"({"sessionId":"s","status":"PLAYING"})"});
  ASSERT_THAT(sink.events(), SizeIs(1));
  const Event event = sink.events()[0];
  EXPECT_EQ(event.method, "StreamStatusEvent");
  EXPECT_EQ(event.session_id, "s");
  EXPECT_EQ(event.time, clock.WallNow());
  EXPECT_EQ(event.id, EventId()) << "the router gives it one";
  EXPECT_EQ(event.json,
            R"({"nodeId":"this-node","appKey":"defaultApp","sessionId":"s","status":"PLAYING"})");
  EXPECT_FALSE(sink.batches[0].watermark.has_value());
}

TEST_F(OpenIngressTest, TakesAnEnvelopeButNotItsId) {
  v1::Envelope envelope;
  envelope.set_epoch(5);
  envelope.set_sequence(6);
  envelope.set_session_id("s");
  envelope.mutable_stream_status()->set_status("PLAYING");
  Send({"StreamStatusEvent", envelope.SerializeAsString()});
  ASSERT_THAT(sink.events(), SizeIs(1));
  EXPECT_EQ(sink.events()[0].status, "PLAYING");
  EXPECT_EQ(sink.events()[0].id, EventId()) << "nobody vouches for it";
}

TEST_F(OpenIngressTest, CountsEachWayOfBeingWrongAndGoesOn) {
  v1::Envelope envelope;
  envelope.set_method("Another");
  envelope.mutable_stream_status();
  Send({"a b", "{}"});
  Send({"M", R"({"a":1)"});
  Send({"M", "{\"a\":\"\xff\"}"});
  Send({"M", "\xff\xff"});
  Send({"M", "[]"});
  Send({"M", ""});
  Send({"M"});
  Send({"M", "{}", "{}"});
  Send({"M", "{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}"});
  Send({"M", envelope.SerializeAsString()});
  Send({"M", "{" + std::string(kMaxEventBytes, ' ') + "}"});
  EXPECT_THAT(sink.events(), IsEmpty());
  EXPECT_EQ(Malformed("method"), 2u);
  EXPECT_EQ(Malformed("json"), 2u);
  EXPECT_EQ(Malformed("utf8"), 1u);
  EXPECT_EQ(Malformed("protobuf"), 2u);
  EXPECT_EQ(Malformed("frames"), 2u);
  EXPECT_EQ(Malformed("too_deep"), 1u);
  EXPECT_EQ(Malformed("too_large"), 1u);
  Send({"M", "{}"});
  EXPECT_THAT(sink.events(), SizeIs(1));
}

TEST_F(OpenIngressTest, AMalformedMessageIsLoggedWithoutItsBody) {
  Send({"Bad\n", R"({"authToken":"secret"})"});
  Send({"ConnectionStatusEvent", R"({"authToken":"secret",})"});
  EXPECT_THAT(log.lines(), SizeIs(2));
  EXPECT_THAT(log.Text(), HasSubstr("Bad\\x0a"));
  EXPECT_THAT(log.Text(), Not(HasSubstr("secret")));
}

TEST_F(OpenIngressTest, ALoneBodyIsNotShownForItsMethod) {
  Send({R"({"authToken":"secret"})"});
  EXPECT_EQ(Malformed("frames"), 1u);
  EXPECT_THAT(log.Text(), Not(HasSubstr("secret")));
}

TEST_F(OpenIngressTest, AFloodOfMalformedMessagesIsNoFloodOfLines) {
  for (int i = 0; i < 100; ++i) peer->Send({"M", "["});
  Settle();
  EXPECT_EQ(Malformed("protobuf"), 100u);
  EXPECT_THAT(log.lines(), SizeIs(10));
}

TEST_F(OpenIngressTest, WhatFindsNoRoomIsCountedAndDropped) {
  sink.full = true;
  peer->Send({"M", "{}"});
  ASSERT_TRUE(WaitReadable(ingress->socket()));
  ingress->Receive();
  EXPECT_EQ(metrics.GetCounter("tallybus_open_bus_dropped_total", "").Value(), 1u);
  EXPECT_THAT(log.Text(), HasSubstr("dropped 1 event:"));
  sink.full = false;
  Send({"M", "{}"});
  EXPECT_THAT(sink.events(), SizeIs(1));
}

TEST_F(OpenIngressTest, ATurnIsBounded) {
  for (int i = 0; i < 1000; ++i) peer->Send({"M", "{}"});
  size_t seen = 0;
  while (seen < 1000 && WaitReadable(ingress->socket())) {
    ingress->Receive();
    ASSERT_LE(sink.events().size(), static_cast<size_t>(kMessagesATurn));
    seen += sink.events().size();
    sink.batches.clear();
  }
  EXPECT_EQ(seen, 1000u);
  EXPECT_FALSE(ingress->Receive()) << "nothing more waits";
}

TEST_F(OpenIngressTest, AHeartbeatIsNoEventAndTellsOfItsNodeOnce) {
  Send({"TallybusHeartbeat", R"({"nodeId":"encoder-3"})"});
  Send({"TallybusHeartbeat", R"({"nodeId":"encoder-3"})"});
  EXPECT_THAT(sink.events(), IsEmpty());
  const auto changes = sink.All<PublisherChange>();
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].action, PublisherChange::Action::kHello);
  EXPECT_EQ(changes[0].source, SourceOfNode("encoder-3"));
  EXPECT_EQ(changes[0].node_id, "encoder-3");
  EXPECT_EQ(changes[0].epoch, 0u);
}

TEST_F(OpenIngressTest, ANodeWhoseHeartbeatsStopIsLostUnlessItsEventsGoOn) {
  Send({"TallybusHeartbeat", R"({"nodeId":"encoder-3"})"});
  sink.batches.clear();
  clock.Advance(absl::Seconds(29));
  Send({"StreamStatusEvent", R"({"nodeId":"encoder-3","status":"PLAYING"})"});
  clock.Advance(absl::Seconds(29));
  ingress->Tick();
  EXPECT_THAT(sink.All<PublisherChange>(), IsEmpty());
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(ingress->Tick(), clock.Now() + absl::Seconds(1));
  const auto changes = sink.All<PublisherChange>();
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].action, PublisherChange::Action::kLost);
  EXPECT_EQ(changes[0].node_id, "encoder-3");
}

TEST_F(OpenIngressTest, ANodeThatSendsNoHeartbeatIsNeverLost) {
  Send({"StreamStatusEvent", R"({"nodeId":"encoder-3","status":"PLAYING"})"});
  clock.Advance(absl::Hours(24));
  ingress->Tick();
  EXPECT_THAT(sink.All<PublisherChange>(), IsEmpty());
}

}  // namespace
}  // namespace tallybus::zmq_transport
