// The client channel: a topic for each session, four frames, and a sequence that shows gaps.
#include "transports/zmq/client_channel.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"
#include "tests/transports/zmq/zmq_peer.h"

namespace tallybus::zmq_transport {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ClientChannelTest : public ::testing::Test {
 protected:
  ClientChannelTest() {
    channel = *XpubChannel::Bind(context, "tcp://127.0.0.1:0", clock, metrics);
  }

  Peer Subscriber(const std::string& topic) {
    Peer peer(context, zmq::socket_type::sub, channel->endpoint());
    peer.socket().set(zmq::sockopt::subscribe, topic);
    return peer;
  }
  void Notify(std::string_view session, std::string_view message = "StreamStatusEvent",
              std::string_view json = R"({"a":1})") {
    channel->Notify({.session_id = session,
                     .message = message,
                     .json = json,
                     .id = {1, 2},
                     .time = clock.WallNow()});
  }
  // Reads until so many topics are subscribed.
  void AwaitSubscriptions(int64_t count) {
    while (subscriptions() != count && WaitReadable(channel->socket())) channel->Receive();
    ASSERT_EQ(subscriptions(), count);
  }
  int64_t subscriptions() { return metrics.GetGauge("tallybus_client_subscriptions", "").Value(); }

  zmq::context_t context;
  testing::ManualClock clock;
  Metrics metrics;
  std::unique_ptr<XpubChannel> channel;
};

TEST_F(ClientChannelTest, ASubscriberGetsTopicMessageObjectAndMeta) {
  Peer subscriber = Subscriber("session/s");
  AwaitSubscriptions(1);
  Notify("s", "ErrorEvent");
  EXPECT_THAT(
      subscriber.Receive(),
      ElementsAre("session/s", "ErrorEvent", R"({"a":1})",
                  R"({"id":"0000000000000001-2","sequence":1,"time":"2026-01-31T23:59:59.123Z"})"));
}

TEST_F(ClientChannelTest, AnotherSessionsMessagesDoNotCome) {
  Peer subscriber = Subscriber("session/s");
  AwaitSubscriptions(1);
  Notify("other");
  Notify("s");
  EXPECT_EQ(subscriber.Receive()[0], "session/s");
}

TEST_F(ClientChannelTest, ASubscriptionMatchesPrefixesSoTheTopicIsToBeCompared) {
  Peer subscriber = Subscriber("session/ab");
  AwaitSubscriptions(1);
  Notify("abc");
  EXPECT_EQ(subscriber.Receive()[0], "session/abc");
}

TEST_F(ClientChannelTest, WhatWasMissedIsSeenByTheSequence) {
  Notify("s");
  Notify("s");
  Notify("other");
  Peer subscriber = Subscriber("session/");
  AwaitSubscriptions(1);
  Notify("s");
  Notify("other");
  EXPECT_THAT(subscriber.Receive()[3], HasSubstr("\"sequence\":3"));
  EXPECT_THAT(subscriber.Receive()[3], HasSubstr("\"sequence\":2"));
}

TEST_F(ClientChannelTest, CountsTopicsAndTheirEnd) {
  {
    Peer one = Subscriber("session/a");
    Peer two = Subscriber("session/b");
    AwaitSubscriptions(2);
  }
  AwaitSubscriptions(0);
  Notify("a");
}

TEST_F(ClientChannelTest, WhatElseAPeerSaysNeitherCountsNorSilencesTheOthers) {
  Peer honest = Subscriber("session/s");
  AwaitSubscriptions(1);
  Peer odd(context, zmq::socket_type::xsub, channel->endpoint());
  odd.Send({"\xff"});
  odd.Send({"hello", "there"});
  odd.Send({std::string_view("\0never/subscribed", 17)});
  odd.Send({"\1odd"});
  AwaitSubscriptions(2);
  Notify("s");
  EXPECT_EQ(honest.Receive()[0], "session/s");
  channel->Receive();
  EXPECT_EQ(subscriptions(), 2);
}

TEST_F(ClientChannelTest, ASubscriberThatDoesNotReadHasAGapThatCountsAndTheOthersHaveNone) {
  Peer sleeper = Subscriber("session/s");
  AwaitSubscriptions(1);
  Peer reader = Subscriber("session/");
  AwaitSubscriptions(2);
  const std::string long_json(60'000, ' ');  // what the kernel buffers is less than 2,000 of them
  const auto send = [&](uint64_t sequence) {
    Notify("s", "StreamStatusEvent", long_json);
    EXPECT_THAT(reader.Receive()[3], HasSubstr(absl::StrCat("\"sequence\":", sequence, ",")));
  };
  uint64_t sent = 0;
  while (channel->gaps() == 0 && sent < 5'000) send(++sent);
  for (int more = 0; more < 50; ++more) send(++sent);
  EXPECT_EQ(channel->gaps(), 1u);
  uint64_t read = 0;
  while (read < sent - 51 && !sleeper.Receive().empty()) ++read;
  EXPECT_EQ(read, sent - 51);
  EXPECT_THAT(sleeper.Receive(200), IsEmpty());
}

TEST_F(ClientChannelTest, NothingWaitsWhereNobodySubscribed) {
  EXPECT_FALSE(channel->Receive());
  Notify("s");
  Peer late = Subscriber("session/s");
  AwaitSubscriptions(1);
  EXPECT_THAT(late.Receive(0), IsEmpty());
}

}  // namespace
}  // namespace tallybus::zmq_transport
