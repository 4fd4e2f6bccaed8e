// The conversation with a router, stepped by hand: the socket is real, the time is the test's.
#include "router_link.h"

#include <gtest/gtest.h>

#include <string>

#include "record.h"
#include "router_link_fixture.h"
#include "scripted_router.h"

namespace tallybus::engine {
namespace {

TEST_F(RouterLinkTest, SaysHelloWithWhatTheRouterMustKnow) {
  const v1::Hello hello = Await(v1::KIND_HELLO).As<v1::Hello>();
  EXPECT_EQ(hello.protocol_min(), 1u);
  EXPECT_EQ(hello.protocol_max(), 1u);
  EXPECT_EQ(hello.library_version(), "0.1.0");
  EXPECT_EQ(hello.epoch(), kEpoch);
  EXPECT_EQ(hello.node_id(), "node");
  EXPECT_EQ(hello.app_key(), "defaultApp");
  EXPECT_EQ(hello.first_held(), 1u);
  EXPECT_TRUE(hello.client_messages());
}

TEST_F(RouterLinkTest, SaysHelloAgainEachSecondUntilItIsAnswered) {
  Await(v1::KIND_HELLO);
  now_ += kSecondUs;
  Await(v1::KIND_HELLO);
  now_ += kSecondUs;
  Meet(kRouter, 1);
  EXPECT_EQ(counters_.state, TALLYBUS_STATE_CONNECTED);
  now_ += kSecondUs;
  EXPECT_EQ(Await(v1::KIND_HEARTBEAT).As<v1::Heartbeat>().epoch(), kEpoch);
}

TEST_F(RouterLinkTest, SendsNothingBeforeItIsWelcome) {
  Publish("a");
  Await(v1::KIND_HELLO);
  Step();
  EXPECT_EQ(pause_, Pause::kRouter);
  router_.Welcome(kRouter, 1);
  EXPECT_EQ(AwaitEvents(1, 1), "a");
}

TEST_F(RouterLinkTest, SendsManyEventsInOneMessageAndAnOversizeOneAlone) {
  const std::string large(300'000, 'L');
  for (const char* text : {"a", "b", "c"}) Publish(text);
  Publish(large);
  Publish("d");
  Meet(kRouter, 1);
  EXPECT_EQ(Await(v1::KIND_EVENTS).As<v1::Events>().records_size(), 3);
  EXPECT_EQ(Await(v1::KIND_EVENTS).As<v1::Events>().records_size(), 1);
  const auto last = Await(v1::KIND_EVENTS).As<v1::Events>();
  EXPECT_EQ(last.first_sequence(), 5u);
}

TEST_F(RouterLinkTest, KeepsABatchWithin256KiB) {
  for (int i = 0; i < 500; ++i) Publish(std::string(1'000, 'x'));
  Meet(kRouter, 1);
  for (uint64_t sequence = 1; sequence <= 500 && !HasFailure();) {
    const auto message = Await(v1::KIND_EVENTS);
    EXPECT_LE(message.body.size(), 256u << 10);
    EXPECT_EQ(message.As<v1::Events>().first_sequence(), sequence);
    sequence += static_cast<uint64_t>(message.As<v1::Events>().records_size());
  }
}

TEST_F(RouterLinkTest, HoldsEventsUntilTheyAreAcknowledged) {
  Meet(kRouter, 1);
  Publish("a");
  Publish("b");
  AwaitEvents(1, 2);
  const uint64_t used = ring_->used();
  router_.Ack(1);
  Settle();
  EXPECT_EQ(counters_.acknowledged, 1u);
  EXPECT_LT(ring_->used(), used);
  router_.Ack(2);
  Settle();
  EXPECT_EQ(counters_.acknowledged, 2u);
  EXPECT_EQ(ring_->used(), 0u);
}

TEST_F(RouterLinkTest, IgnoresAnAcknowledgementOfWhatItNeverSent) {
  Meet(kRouter, 1);
  Publish("a");
  AwaitEvents(1, 1);
  router_.Ack(50);
  Settle();
  EXPECT_EQ(counters_.acknowledged, 0u);
  EXPECT_GT(ring_->used(), 0u);
}

TEST_F(RouterLinkTest, SendsNoFurtherThanTheRouterAllows) {
  for (const char* text : {"a", "b", "c", "d"}) Publish(text);
  Meet(kRouter, 1, 2);
  EXPECT_EQ(AwaitEvents(1, 2), "ab");
  Settle();
  EXPECT_EQ(pause_, Pause::kRouter);
  EXPECT_TRUE(link_->HasNext());
  router_.Ack(0, 3);
  EXPECT_EQ(AwaitEvents(3, 3), "c");
  router_.Ack(3, 4);
  EXPECT_EQ(AwaitEvents(4, 4), "d");
}

TEST_F(RouterLinkTest, GoesBackToWhatTheRouterExpects) {
  for (const char* text : {"a", "b", "c"}) Publish(text);
  Meet(kRouter, 1);
  AwaitEvents(1, 3);
  router_.Resync(kRouter, 2);
  EXPECT_EQ(AwaitEvents(2, 3), "bc");
  EXPECT_EQ(counters_.resent, 2u);
}

TEST_F(RouterLinkTest, GoesBackOnceForManyResyncsOfOneGapAndOnceMoreLater) {
  for (const char* text : {"a", "b", "c"}) Publish(text);
  Meet(kRouter, 1);
  AwaitEvents(1, 3);
  for (int i = 0; i < 5; ++i) router_.Resync(kRouter, 2);
  EXPECT_EQ(AwaitEvents(2, 3), "bc");
  Settle();
  EXPECT_EQ(counters_.resent, 2u);
  now_ += 100 * kMillisecondUs;  // the router may have meant it: it must not wait for ever
  EXPECT_EQ(AwaitEvents(2, 3), "bc");
}

TEST_F(RouterLinkTest, SaysHelloAgainToARouterThatDoesNotKnowIt) {
  Meet(kRouter, 1);
  Publish("a");
  AwaitEvents(1, 1);
  router_.Resync(kOtherRouter, 0);
  Meet(kOtherRouter, 1);
  EXPECT_EQ(AwaitEvents(1, 1), "a");
  EXPECT_EQ(counters_.reconnects, 1u);
  EXPECT_TRUE(recorder_.Has("the router was restarted"));
}

TEST_F(RouterLinkTest, ResumesBehindWhatTheRouterHas) {
  for (const char* text : {"a", "b", "c"}) Publish(text);
  Meet(kRouter, 1);
  AwaitEvents(1, 3);
  router_.Resync(kRouter, 0);
  Meet(kRouter, 3);
  EXPECT_EQ(AwaitEvents(3, 3), "c");
  EXPECT_EQ(counters_.acknowledged, 0u) << "expected is not yet durable";
}

TEST_F(RouterLinkTest, TellsARestartedRouterItsStateThenTheHeldEventsUnderTheirSequences) {
  Meet(kRouter, 1);
  tallybus_session session = {};
  session.session_id = Bytes("s");
  Put(SessionRecord::Open(session));
  Stream("live", "PUBLISHING");
  Stream("ended", "PUBLISHING");
  Stream("ended", "STOPPED");
  AwaitEvents(1, 4);
  router_.Ack(4);
  Stream("held", "PLAYING");
  AwaitEvents(5, 5);
  Settle();

  router_.Stop();
  router_.Start();
  now_ += 3 * kSecondUs;
  EXPECT_EQ(Meet(kOtherRouter, 5).first_held(), 5u);
  const auto state = Await(v1::KIND_STATE).As<v1::State>();
  EXPECT_EQ(state.epoch(), kEpoch);
  ASSERT_EQ(state.sessions_size(), 1);
  EXPECT_EQ(state.sessions(0).session_id(), "s");
  ASSERT_EQ(state.streams_size(), 1);
  EXPECT_EQ(state.streams(0).media_session_id(), "live");
  EXPECT_EQ(AwaitEvents(5, 5), "held");
}

TEST_F(RouterLinkTest, StatesNoStreamWhoseEndTheRouterHasThoughItDidNotAcknowledgeIt) {
  Meet(kRouter, 1);
  Stream("m", "PUBLISHING");
  AwaitEvents(1, 1);
  router_.Ack(1);
  Settle();
  Stream("m", "STOPPED");
  Stream("next", "PUBLISHING");
  AwaitEvents(2, 3);
  router_.Resync(kOtherRouter, 0);
  Meet(kOtherRouter, 4);
  const auto state = Await(v1::KIND_STATE).As<v1::State>();
  ASSERT_EQ(state.streams_size(), 1);
  EXPECT_EQ(state.streams(0).media_session_id(), "next");
}

// It would come after the ends of what it states, and make streams live again that are over.
TEST_F(RouterLinkTest, StatesNothingLaterWhereNothingWasOpen) {
  Meet(kRouter, 1);
  Stream("m", "PUBLISHING");
  AwaitEvents(1, 1);
  router_.Ack(1);
  Settle();
  Stream("m", "STOPPED");
  bool has_state = false;
  EXPECT_TRUE(StepUntil([&] {
    while (const auto message = router_.Poll()) {
      has_state |= message->kind == v1::KIND_STATE;
      if (message->kind == v1::KIND_EVENTS) return true;
    }
    return false;
  }));
  EXPECT_FALSE(has_state);
}

TEST_F(RouterLinkTest, OpensANewSocketToASilentRouter) {
  Meet(kRouter, 1);
  Publish("a");
  AwaitEvents(1, 1);
  EXPECT_EQ(router_.peers(), 1);
  now_ += 3 * kSecondUs - 1;
  Step();
  EXPECT_EQ(counters_.reconnects, 0u);
  now_ += 1;
  Meet(kRouter, 1);
  EXPECT_EQ(router_.peers(), 2);
  EXPECT_EQ(counters_.reconnects, 1u);
  EXPECT_EQ(AwaitEvents(1, 1), "a");
  EXPECT_EQ(recorder_.Count("state: 0"), 1);
  EXPECT_EQ(recorder_.Count("state: 1"), 2);
  EXPECT_TRUE(recorder_.Has("lost the router"));
  EXPECT_TRUE(recorder_.Has("connected again"));
}

TEST_F(RouterLinkTest, StaysWithARouterThatOnlyBeats) {
  Meet(kRouter, 1);
  for (int i = 0; i < 10; ++i) {
    now_ += kSecondUs;
    router_.Send(v1::KIND_HEARTBEAT, v1::Heartbeat());
    Settle();
  }
  EXPECT_EQ(counters_.reconnects, 0u);
}

TEST_F(RouterLinkTest, WaitsForARouterThatIsNotThereWithoutReopening) {
  router_.Stop();
  for (int i = 0; i < 10; ++i, now_ += kSecondUs) Step();
  EXPECT_EQ(counters_.reconnects, 0u);
  EXPECT_EQ(counters_.state, TALLYBUS_STATE_CONNECTING);
  router_.Start();
  passing_us_ = kSecondUs / 10;  // a HELLO that is lost on the way is said again
  Meet(kRouter, 1);
}

TEST_F(RouterLinkTest, IsLoudWhenItIsRefusedAndAsksAgainAfterHalfAMinute) {
  Await(v1::KIND_HELLO);
  v1::Refuse refuse;
  refuse.set_protocol_min(7);
  refuse.set_protocol_max(8);
  refuse.set_reason("speak 7");
  router_.Send(v1::KIND_REFUSE, refuse);
  Settle();
  EXPECT_EQ(counters_.state, TALLYBUS_STATE_REFUSED);
  EXPECT_TRUE(recorder_.Has("speak 7; it speaks protocol 7 to 8, this library (0.1.0) speaks 1"));
  now_ += 29 * kSecondUs;
  Step();
  EXPECT_EQ(counters_.reconnects, 0u) << "a router that refused owes no heartbeat";
  EXPECT_EQ(link_->NextTick(now_), now_ + kSecondUs);
  now_ += kSecondUs;
  Meet(kRouter, 1);
  EXPECT_EQ(counters_.state, TALLYBUS_STATE_CONNECTED);
}

TEST_F(RouterLinkTest, TakesAWelcomeToAnUnknownProtocolForARefusal) {
  Await(v1::KIND_HELLO);
  v1::Welcome welcome;
  welcome.set_protocol(2);
  router_.Send(v1::KIND_WELCOME, welcome);
  Settle();
  EXPECT_EQ(counters_.state, TALLYBUS_STATE_REFUSED);
}

TEST_F(RouterLinkTest, CountsARejectedEventAndLogsItAtALimitedRate) {
  Meet(kRouter, 1);
  v1::Reject reject;
  reject.set_reason("json is no object");
  for (uint64_t i = 1; i <= 5; ++i) {
    reject.set_sequence(i);
    router_.Send(v1::KIND_REJECT, reject);
  }
  Settle();
  EXPECT_EQ(counters_.rejected, 5u);
  EXPECT_EQ(recorder_.Count("json is no object"), 1);
}

TEST_F(RouterLinkTest, SurvivesMessagesThatAreNoneOfTheProtocol) {
  Meet(kRouter, 1);
  router_.SendFrames({"too long a kind", ""});
  router_.SendFrames({""});
  router_.SendFrames({"\x07", "\xff\xff", "three"});
  router_.SendFrames({"\x07", "\xff\xff"});
  router_.SendFrames({"\x63", ""});
  router_.Send(v1::KIND_CONNECT_RESULT, v1::ConnectResult());
  Settle();
  EXPECT_EQ(recorder_.Count("malformed"), 1) << "logged at a limited rate";
  Publish("a");
  EXPECT_EQ(AwaitEvents(1, 1), "a");
}

TEST_F(RouterLinkTest, LogsDropsAtALimitedRate) {
  Meet(kRouter, 1);
  counters_.dropped_full = 7;
  Step();
  counters_.dropped_full = 9;
  Step();
  EXPECT_EQ(recorder_.Count("ring full"), 1);
  EXPECT_TRUE(recorder_.Has("ring full: 7 events dropped"));
  now_ += kSecondUs;
  Step();
  EXPECT_TRUE(recorder_.Has("ring full: 2 events dropped"));
}

TEST_F(RouterLinkTest, TellsWhatItDroppedInItsHeartbeats) {
  Meet(kRouter, 1);
  counters_.dropped_full = 7;
  now_ += kSecondUs;
  EXPECT_EQ(Await(v1::KIND_HEARTBEAT).As<v1::Heartbeat>().dropped(), 7u);
  counters_.dropped_full = 9;
  now_ += kSecondUs;
  EXPECT_EQ(Await(v1::KIND_HEARTBEAT).As<v1::Heartbeat>().dropped(), 9u);
}

TEST_F(RouterLinkTest, ANewRouterIsToldWhichDropsAnEarlierOneHeardOf) {
  Meet(kRouter, 1);
  counters_.dropped_full = 7;
  now_ += kSecondUs;
  Await(v1::KIND_HEARTBEAT);
  router_.Send(v1::KIND_HEARTBEAT, v1::Heartbeat());
  Settle();
  counters_.dropped_full = 9;
  now_ += kSecondUs;
  Await(v1::KIND_HEARTBEAT);  // to one that is dead by then
  now_ += 3 * kSecondUs;
  EXPECT_EQ(Await(v1::KIND_HELLO).As<v1::Hello>().dropped(), 7u);
}

TEST_F(RouterLinkTest, SaysByeLastAndIsSettledOnceThatIsAcknowledged) {
  Meet(kRouter, 1);
  Publish("a");
  link_->SayBye();
  link_->SayBye();
  EXPECT_EQ(AwaitEvents(1, 2), "aB");
  router_.Ack(1);
  Settle();
  EXPECT_FALSE(link_->IsSettled());
  router_.Ack(2);
  Settle();
  EXPECT_TRUE(link_->IsSettled());
}

TEST_F(RouterLinkTest, LogsWhatItLosesWhenItLeaves) {
  Meet(kRouter, 1);
  Publish("a");
  Publish("b");
  AwaitEvents(1, 2);
  link_->SayBye();
  link_->Leave();
  EXPECT_TRUE(recorder_.Has("closed with 2 events that no router acknowledged"));
  EXPECT_EQ(counters_.state, TALLYBUS_STATE_CLOSED);
}

}  // namespace
}  // namespace tallybus::engine
