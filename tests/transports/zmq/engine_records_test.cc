// Calls that an engine asks, and how their answers find the way back.
#include "tests/transports/zmq/engine_ingress_fixture.h"

namespace tallybus::zmq_transport {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class EngineRecordsTest : public EngineIngressFixture {
 protected:
  static std::string ConnectRecord(uint64_t call, int64_t time_unix_us = 1'000'000) {
    v1::Record record;
    record.mutable_connect()->set_call(call);
    record.mutable_connect()->set_timeout_ms(11'000);
    v1::Envelope& event = *record.mutable_connect()->mutable_event();
    event.set_time_unix_us(time_unix_us);
    event.set_method("connect");
    event.set_session_id("s");
    event.set_json("{}");
    return record.SerializeAsString();
  }
  std::vector<Ask> Asks() { return sink.All<Ask>(); }
};

TEST_F(EngineRecordsTest, ACallReachesTheRouterWithItsTimeAndIsAcknowledgedLikeAnyRecord) {
  Connect();
  SendEvents(1, {ConnectRecord(9)});
  ASSERT_THAT(Asks(), SizeIs(1));
  EXPECT_EQ(Asks()[0].event.method, "connect");
  EXPECT_EQ(Asks()[0].event.session_id, "s");
  EXPECT_EQ(Asks()[0].event.app_key, "engineApp");
  EXPECT_EQ(Asks()[0].event.id, (EventId{5, 1}));
  EXPECT_EQ(Asks()[0].expires, absl::FromUnixSeconds(12));
  EXPECT_EQ(sink.batches[0].watermark->through, 1u);
}

TEST_F(EngineRecordsTest, TheAnswerGoesToTheEngineThatAskedUnderItsNumber) {
  Connect();
  SendEvents(1, {ConnectRecord(9)});
  AskAnswer answer;
  answer.reason = "Forbidden";
  Asks()[0].answer(answer);
  const auto result = Expect<v1::ConnectResult>(Kind::kConnectResult);
  EXPECT_EQ(result.call(), 9u);
  EXPECT_FALSE(result.accepted());
  EXPECT_EQ(result.reason(), "Forbidden");
}

TEST_F(EngineRecordsTest, AnAnswerToAnEngineThatIsGoneIsDropped) {
  Connect();
  SendEvents(1, {ConnectRecord(9)});
  engine.reset();
  Asks()[0].answer(AskAnswer());
  Asks()[0].answer(AskAnswer());
}

TEST_F(EngineRecordsTest, ClientMessagesOfASessionThatACallOpenedGoToItsEngine) {
  Connect();
  SendEvents(1, {ConnectRecord(9)});
  const Notification message{.session_id = "s",
                             .message = "StreamStatusEvent",
                             .json = "{}",
                             .id = {5, 2},
                             .time = clock.WallNow()};
  ingress->Notify(message);
  EXPECT_THAT(engine->Receive(0), IsEmpty());
  AskAnswer answer;
  answer.accepted = true;
  answer.session = SessionChange{SessionChange::Action::kOpen, "s", "engineApp", std::nullopt, 5};
  Asks()[0].answer(answer);
  EXPECT_TRUE(Expect<v1::ConnectResult>(Kind::kConnectResult).accepted());
  ingress->Notify(message);
  EXPECT_EQ(Expect<v1::Client>(Kind::kClient).session_id(), "s");
}

TEST_F(EngineRecordsTest, ASessionEndsWithItsDisconnected) {
  Connect();
  SendEvents(1, {SessionRecord("s", "a")});
  v1::Record gone;
  gone.mutable_event()->set_method("ConnectionStatusEvent");
  gone.mutable_event()->set_session_id("s");
  gone.mutable_event()->set_json(R"({"status":"DISCONNECTED"})");
  SendEvents(2, {gone.SerializeAsString()});
  EXPECT_EQ(sink.events().back().app_key, "a");
  clock.Advance(absl::Seconds(61));
  ingress->Tick();
  SayHello(5, 3);
  SendEvents(3, {gone.SerializeAsString()});
  EXPECT_EQ(sink.events().back().app_key, "engineApp") << "it is known no more";
}

TEST_F(EngineRecordsTest, WhatTheRouterForgetsIsForgottenHere) {
  Connect();
  SendEvents(1, {SessionRecord("s", "a"), SessionRecord("t", "a")});
  ingress->ForgetSession("t");
  for (const char* id : {"t", "s"}) {
    ingress->Notify({.session_id = id, .message = "M", .json = "{}", .id = {}, .time = {}});
  }
  EXPECT_EQ(Expect<v1::Client>(Kind::kClient).session_id(), "s");
}

TEST_F(EngineRecordsTest, AMalformedCallIsRejectedAndTheNextRecordTaken) {
  Connect();
  v1::Record record;
  record.mutable_connect()->set_call(1);
  SendEvents(1, {record.SerializeAsString(), EventRecord("a")});
  EXPECT_EQ(Expect<v1::Reject>(Kind::kReject).sequence(), 1u);
  EXPECT_THAT(Asks(), IsEmpty());
  EXPECT_THAT(sink.events(), SizeIs(1));
}

TEST_F(EngineRecordsTest, TheCommandToEndAStreamGoesToItsEngine) {
  Connect();
  Event stream;
  stream.session_id = "s";
  stream.media_session_id = "m";
  EXPECT_TRUE(ingress->Terminate(5, stream, "Forbidden"));
  const auto command = Expect<v1::Terminate>(Kind::kTerminate);
  EXPECT_EQ(command.session_id(), "s");
  EXPECT_EQ(command.media_session_id(), "m");
  EXPECT_EQ(command.reason(), "Forbidden");
  EXPECT_FALSE(ingress->Terminate(6, stream, "Forbidden")) << "nobody is known by that epoch";
}

}  // namespace
}  // namespace tallybus::zmq_transport
