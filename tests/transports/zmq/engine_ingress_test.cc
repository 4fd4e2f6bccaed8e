// The acknowledged bus: each engine's sequence without gap or repetition.
#include "transports/zmq/engine_ingress.h"

#include "tests/transports/zmq/engine_ingress_fixture.h"

namespace tallybus::zmq_transport {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EngineIngressTest : public EngineIngressFixture {};

TEST_F(EngineIngressTest, HelloIsWelcomed) {
  SayHello(5, 9);
  const auto welcome = Expect<v1::Welcome>(Kind::kWelcome);
  EXPECT_EQ(welcome.router_epoch(), kRouterEpoch);
  EXPECT_EQ(welcome.protocol(), 1u);
  EXPECT_EQ(welcome.expected(), 9u);
  EXPECT_GT(welcome.send_through(), 9u);
  EXPECT_EQ(ingress->connected(), 1u);
}

TEST_F(EngineIngressTest, TheRouterIsToldWhoCame) {
  SayHello(5);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].action, Action::kHello);
  EXPECT_EQ(told[0].epoch, 5u);
  EXPECT_EQ(told[0].source, SourceOfEpoch(5));
  EXPECT_EQ(told[0].node_id, "node");
}

TEST_F(EngineIngressTest, AnotherProtocolIsRefusedNamingBoth) {
  v1::Hello hello;
  hello.set_protocol_min(7);
  hello.set_protocol_max(9);
  Send(Kind::kHello, hello);
  const auto refuse = Expect<v1::Refuse>(Kind::kRefuse);
  EXPECT_THAT(refuse.reason(), HasSubstr("7 to 9"));
  EXPECT_THAT(refuse.reason(), HasSubstr("1 to 1"));
  EXPECT_EQ(ingress->connected(), 0u);
}

TEST_F(EngineIngressTest, OfRangesThatOverlapTheHighestCommonProtocolIsTaken) {
  for (const auto& [lowest, highest] : {std::pair(1u, 9u), std::pair(0u, 1u)}) {
    v1::Hello hello;
    hello.set_protocol_min(lowest);
    hello.set_protocol_max(highest);
    hello.set_epoch(5);
    Send(Kind::kHello, hello);
    EXPECT_EQ(Expect<v1::Welcome>(Kind::kWelcome).protocol(), 1u) << lowest << " to " << highest;
  }
}

TEST_F(EngineIngressTest, WhoDidNotSayHelloIsAskedTo) {
  SendEvents(1, {EventRecord("a")});
  EXPECT_EQ(Expect<v1::Resync>(Kind::kResync).expected(), 0u);
  v1::Heartbeat heartbeat;
  heartbeat.set_epoch(5);
  Send(Kind::kHeartbeat, heartbeat);
  EXPECT_EQ(Expect<v1::Resync>(Kind::kResync).expected(), 0u);
  EXPECT_THAT(sink.batches, IsEmpty());
}

TEST_F(EngineIngressTest, EventsHaveTheEnginesEpochSequenceNodeAndApp) {
  Connect();
  SendEvents(1, {EventRecord("a"), EventRecord("b")});
  const auto events = sink.events();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].id, (EventId{5, 1}));
  EXPECT_EQ(events[1].id, (EventId{5, 2}));
  EXPECT_EQ(events[1].node_id, "node");
  EXPECT_EQ(events[1].app_key, "engineApp");
  ASSERT_TRUE(sink.batches[0].watermark.has_value());
  EXPECT_EQ(sink.batches[0].watermark->epoch, 5u);
  EXPECT_EQ(sink.batches[0].watermark->through, 2u);
}

TEST_F(EngineIngressTest, AcknowledgesOnlyWhatIsDurable) {
  Connect();
  SendEvents(1, {EventRecord("a"), EventRecord("b")});
  ingress->Acknowledge();
  EXPECT_THAT(engine->Receive(0), IsEmpty());
  ingress->OnDurable({5, 2});
  ingress->Acknowledge();
  EXPECT_EQ(Expect<v1::Ack>(Kind::kAck).durable_through(), 2u);
  ingress->OnDurable({5, 1});
  ingress->OnDurable({999, 50});
  ingress->AcknowledgeAll();
  EXPECT_THAT(engine->Receive(0), IsEmpty()) << "it never goes back";
}

TEST_F(EngineIngressTest, AnEngineThatSendsOnIsToldOfCommitsNowAndThen) {
  Connect();
  ingress->Tick();
  Expect<v1::Heartbeat>(Kind::kHeartbeat);
  Expect<v1::Ack>(Kind::kAck);
  clock.Advance(absl::Milliseconds(20));
  uint64_t sequence = 0;
  const auto commit = [&](const std::vector<std::string>& records) {
    SendEvents(sequence + 1, records);
    ingress->OnDurable({5, sequence += records.size()});
    ingress->Acknowledge();
  };
  commit({EventRecord("a")});
  EXPECT_EQ(Expect<v1::Ack>(Kind::kAck).durable_through(), 1u) << "at once, for there was none";
  clock.Advance(absl::Milliseconds(19));
  commit({EventRecord("b")});
  commit({EventRecord("c")});
  EXPECT_THAT(engine->Receive(0), IsEmpty());
  EXPECT_EQ(ingress->Tick(), clock.Now() + absl::Milliseconds(1)) << "it wants to be called then";
  clock.Advance(absl::Milliseconds(1));
  ingress->Acknowledge();
  EXPECT_EQ(Expect<v1::Ack>(Kind::kAck).durable_through(), 3u);
  const std::vector<std::string> eight_kib(8, EventRecord(std::string(1'020, 'd')));
  commit(eight_kib);
  EXPECT_THAT(engine->Receive(0), IsEmpty());
  commit(eight_kib);
  EXPECT_EQ(Expect<v1::Ack>(Kind::kAck).durable_through(), 19u) << "16 KiB of its ring";
  commit({EventRecord("e")});
  EXPECT_THAT(engine->Receive(0), IsEmpty());
  v1::Record bye;
  bye.mutable_bye();
  commit({bye.SerializeAsString()});
  EXPECT_EQ(Expect<v1::Ack>(Kind::kAck).durable_through(), 21u) << "it waits to end";
}

TEST_F(EngineIngressTest, AnEngineIsGivenRoomBeforeTheCommitWhereItHasLittleLeft) {
  Connect();
  const std::vector<std::string> half(8192, EventRecord("a"));
  SendEvents(1, half);
  ingress->Acknowledge();
  const auto ack = Expect<v1::Ack>(Kind::kAck);
  EXPECT_EQ(ack.durable_through(), 0u);
  EXPECT_EQ(ack.send_through(), 8192u + 16384u);
  SendEvents(8193, {EventRecord("b")});
  ingress->Acknowledge();
  EXPECT_THAT(engine->Receive(0), IsEmpty());
}

TEST_F(EngineIngressTest, WhatCameBeforeIsDroppedAndAcknowledgedAgain) {
  Connect();
  SendEvents(1, {EventRecord("a"), EventRecord("b")});
  SendEvents(1, {EventRecord("a"), EventRecord("b"), EventRecord("c")});
  SendEvents(2, {EventRecord("b")});
  EXPECT_THAT(Names(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(metrics.GetCounter("tallybus_engine_duplicates_total", "").Value(), 3u);
  ingress->Acknowledge();
  Expect<v1::Ack>(Kind::kAck);
}

TEST_F(EngineIngressTest, AGapIsAnsweredOnceASecond) {
  Connect();
  SendEvents(3, {EventRecord("c")});
  SendEvents(4, {EventRecord("d")});
  const auto resync = Expect<v1::Resync>(Kind::kResync);
  EXPECT_EQ(resync.expected(), 1u);
  EXPECT_EQ(resync.router_epoch(), kRouterEpoch);
  EXPECT_THAT(sink.batches, IsEmpty());
  clock.Advance(absl::Seconds(1));
  SendEvents(5, {EventRecord("e")});
  EXPECT_EQ(Expect<v1::Resync>(Kind::kResync).expected(), 1u);
  EXPECT_EQ(metrics.GetCounter("tallybus_engine_resyncs_total", "").Value(), 2u);
  SendEvents(1, {EventRecord("a"), EventRecord("b"), EventRecord("c")});
  EXPECT_THAT(Names(), ElementsAre("a", "b", "c"));
}

TEST_F(EngineIngressTest, AMalformedRecordIsRejectedAndPassedByTheWatermark) {
  Connect();
  SendEvents(1, {EventRecord("a"), "\xff\xff", EventRecord("c")});
  const auto reject = Expect<v1::Reject>(Kind::kReject);
  EXPECT_EQ(reject.sequence(), 2u);
  EXPECT_THAT(reject.reason(), HasSubstr("protobuf"));
  EXPECT_THAT(Names(), ElementsAre("a", "c"));
  EXPECT_EQ(sink.events()[1].id, (EventId{5, 3}));
  EXPECT_EQ(sink.batches[0].watermark->through, 3u);
  SendEvents(4, {"\xff\xff"});
  ASSERT_THAT(sink.batches, SizeIs(2));
  EXPECT_THAT(sink.batches[1].records, SizeIs(1));
  EXPECT_EQ(sink.batches[1].watermark->through, 4u) << "else it would be sent for ever";
}

TEST_F(EngineIngressTest, TheBytesOfARejectedRecordAreHandedOver) {
  Connect();
  SendEvents(1, {EventRecord("a"), "\xff\xfe"});
  const auto rejected = sink.All<RejectedRecord>();
  ASSERT_THAT(rejected, SizeIs(1));
  EXPECT_EQ(rejected[0].id, (EventId{5, 2}));
  EXPECT_EQ(rejected[0].node_id, "node");
  EXPECT_EQ(rejected[0].bytes, "\xff\xfe");
  EXPECT_THAT(rejected[0].reason, HasSubstr("protobuf"));
}

TEST_F(EngineIngressTest, WithoutRoomItStopsAndAsksAgainWhenThereIsSome) {
  Connect();
  SendEvents(1, {EventRecord("a")});
  sink.full = true;
  SendEvents(2, {EventRecord("b")});
  SendEvents(3, {EventRecord("c")});
  ingress->Acknowledge();
  const auto ack = Expect<v1::Ack>(Kind::kAck);
  sink.full = false;
  SendEvents(4, {EventRecord("d")});
  EXPECT_THAT(Names(), ElementsAre("a")) << "nothing is taken out of order";
  ingress->Acknowledge();
  EXPECT_EQ(Expect<v1::Resync>(Kind::kResync).expected(), 2u);
  SendEvents(2, {EventRecord("b"), EventRecord("c"), EventRecord("d")});
  EXPECT_THAT(Names(), ElementsAre("a", "b", "c", "d"));
  ingress->OnDurable({5, 4});
  ingress->AcknowledgeAll();
  EXPECT_EQ(Expect<v1::Ack>(Kind::kAck).durable_through(), 4u);
  EXPECT_GT(ack.send_through(), 0u);
}

TEST_F(EngineIngressTest, ARouterThatCannotTakeMoreStopsRaisingSendThrough) {
  Connect();
  SendEvents(1, {EventRecord("a")});
  ingress->OnDurable({5, 1});
  ingress->AcknowledgeAll();
  const uint64_t before = Expect<v1::Ack>(Kind::kAck).send_through();
  SendEvents(2, {EventRecord("b")});
  sink.full = true;
  ingress->OnDurable({5, 2});
  ingress->AcknowledgeAll();
  EXPECT_EQ(Expect<v1::Ack>(Kind::kAck).send_through(), before);
  sink.full = false;
  SendEvents(3, {EventRecord("c")});
  ingress->OnDurable({5, 3});
  ingress->AcknowledgeAll();
  EXPECT_EQ(Expect<v1::Ack>(Kind::kAck).send_through(), before + 2);
}

TEST_F(EngineIngressTest, ASessionsEventsAreOfItsApp) {
  Connect();
  v1::Record event;
  event.mutable_event()->set_session_id("s");
  event.mutable_event()->mutable_stream_status();
  SendEvents(1, {SessionRecord("s", "sessionApp"), event.SerializeAsString()});
  ASSERT_THAT(sink.events(), SizeIs(1));
  EXPECT_EQ(sink.events()[0].app_key, "sessionApp");
  EXPECT_EQ(sink.All<SessionChange>()[0].session_id, "s");
}

TEST_F(EngineIngressTest, RestatedSessionsAreTakenWithoutAWatermark) {
  Connect();
  v1::State state;
  state.set_epoch(5);
  state.add_sessions()->set_session_id("s");
  Send(Kind::kState, state);
  ASSERT_THAT(sink.batches, SizeIs(1));
  EXPECT_THAT(sink.All<SessionChange>(), SizeIs(1));
  EXPECT_FALSE(sink.batches[0].watermark.has_value());
}

TEST_F(EngineIngressTest, AnEngineThatAskedGetsItsSessionsMessages) {
  Connect();
  SendEvents(1, {SessionRecord("s", "app")});
  ingress->Notify({.session_id = "unknown", .message = "M", .json = "{}", .id = {}, .time = {}});
  ingress->Notify({.session_id = "s",
                   .message = "ErrorEvent",
                   .json = "{\"a\":1}",
                   .id = {5, 9},
                   .time = clock.WallNow()});
  const auto client = Expect<v1::Client>(Kind::kClient);
  EXPECT_EQ(client.session_id(), "s");
  EXPECT_EQ(client.message(), "ErrorEvent");
  EXPECT_EQ(client.json(), "{\"a\":1}");
  EXPECT_EQ(client.meta(),
            R"({"id":"0000000000000005-9","sequence":1,"time":"2026-01-31T23:59:59.123Z"})");
}

TEST_F(EngineIngressTest, SaysAHeartbeatAndItsAcknowledgementEachSecond) {
  Connect();
  clock.Advance(absl::Seconds(1));
  const MonoTime next = ingress->Tick();
  EXPECT_EQ(next, clock.Now() + absl::Seconds(1));
  EXPECT_EQ(Expect<v1::Heartbeat>(Kind::kHeartbeat).epoch(), kRouterEpoch);
  Expect<v1::Ack>(Kind::kAck);
  EXPECT_EQ(ingress->Tick(), next) << "not twice in a second";
  EXPECT_THAT(engine->Receive(0), IsEmpty());
}

TEST_F(EngineIngressTest, AnEngineSilentForTenSecondsMustSayHelloAgain) {
  Connect();
  SendEvents(1, {EventRecord("a")});
  clock.Advance(absl::Seconds(11));
  ingress->Tick();
  EXPECT_EQ(ingress->connected(), 0u);
  SendEvents(2, {EventRecord("b")});
  EXPECT_EQ(Expect<v1::Resync>(Kind::kResync).expected(), 0u);
  SayHello();
  EXPECT_EQ(Expect<v1::Welcome>(Kind::kWelcome).expected(), 2u) << "it is known still";
}

TEST_F(EngineIngressTest, AnEngineThatComesBackOnAnotherConnectionGoesOnWhereItWas) {
  Connect();
  SendEvents(1, {EventRecord("a")});
  engine.emplace(context, zmq::socket_type::dealer, ingress->endpoint());
  SayHello();
  EXPECT_EQ(Expect<v1::Welcome>(Kind::kWelcome).expected(), 2u);
  SendEvents(1, {EventRecord("a"), EventRecord("b")});
  EXPECT_THAT(Names(), ElementsAre("a", "b"));
  EXPECT_EQ(ingress->connected(), 1u);
}

TEST_F(EngineIngressTest, AMessageForAnEngineThatIsGoneIsCountedAndHarmless) {
  Connect();
  SendEvents(1, {SessionRecord("s", "app")});
  engine.reset();
  Counter& dropped =
      metrics.GetCounter("tallybus_client_messages_dropped_total", "", {{"channel", "engine"}});
  // When libzmq sees the connection's end is its own affair.
  for (int i = 0; i < 10'000 && dropped.Value() == 0; ++i) {
    ingress->Notify({.session_id = "s", .message = "M", .json = "{}", .id = {}, .time = {}});
    WaitReadable(ingress->socket(), 1);
  }
  EXPECT_GT(dropped.Value(), 0u);
  EXPECT_EQ(ingress->connected(), 0u);
  EXPECT_EQ(ingress->gaps(), 0u) << "nobody is there who reads too slowly";
}

TEST_F(EngineIngressTest, HostileMessagesAreCountedAndEndNothing) {
  Connect();
  Send({"x"});
  Send({KindByte(Kind::kEvents), "a", "b"});
  Send({"", ""});
  Send({KindByte(Kind::kAck), ""});
  Send({KindByte(Kind::kEvents), "\xff\xff"});
  EXPECT_EQ(Malformed("frames"), 2u);
  EXPECT_EQ(Malformed("kind"), 2u);
  EXPECT_EQ(Malformed("protobuf"), 1u);
  SendEvents(0, {EventRecord("zero")});
  SendEvents(~uint64_t{0}, {EventRecord("last"), EventRecord("beyond")});
  SendEvents(1, {});
  EXPECT_THAT(sink.batches, IsEmpty());
  EXPECT_EQ(Expect<v1::Resync>(Kind::kResync).expected(), 1u);
  SendEvents(1, {EventRecord("a")});
  EXPECT_THAT(Names(), ElementsAre("a"));
}

}  // namespace
}  // namespace tallybus::zmq_transport
