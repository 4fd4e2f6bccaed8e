// Engines that say goodbye, that are lost, and that outlive their router.
#include "tests/transports/zmq/engine_ingress_fixture.h"

namespace tallybus::zmq_transport {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EngineLifeTest : public EngineIngressFixture {};

TEST_F(EngineLifeTest, AGoodbyeIsToldOnceAndTakenWithItsWatermark) {
  Connect();
  v1::Record bye;
  bye.mutable_bye();
  SendEvents(1, {EventRecord("a"), bye.SerializeAsString()});
  EXPECT_EQ(sink.batches[0].watermark->through, 2u);
  EXPECT_THAT(log.Text(), HasSubstr("said goodbye"));
  EXPECT_THAT(Changes(), ElementsAre(Action::kBye));
  clock.Advance(absl::Minutes(2));
  ingress->Tick();
  EXPECT_THAT(Changes(), ElementsAre(Action::kBye, Action::kForgotten)) << "and is never lost";
}

TEST_F(EngineLifeTest, AnEngineThatIsSilentForItsGraceIsLostOnce) {
  Connect();
  clock.Advance(absl::Seconds(29));
  ingress->Tick();
  EXPECT_THAT(Changes(), IsEmpty());
  clock.Advance(absl::Seconds(1));
  ingress->Tick();
  EXPECT_THAT(Changes(), ElementsAre(Action::kLost));
  clock.Advance(absl::Seconds(60));
  ingress->Tick();
  EXPECT_THAT(Changes(), ElementsAre(Action::kLost));
  EXPECT_THAT(log.Text(), HasSubstr("is lost"));
  SayHello();
  ASSERT_THAT(told, ::testing::Not(IsEmpty()));
  EXPECT_EQ(told.back().action, Action::kHello) << "it was a partition";
}

TEST_F(EngineLifeTest, WhatAnEngineDroppedIsToldOnceAndCounted) {
  const auto beat = [this](uint64_t dropped) {
    v1::Heartbeat heartbeat;
    heartbeat.set_epoch(5);
    heartbeat.set_dropped(dropped);
    Send(Kind::kHeartbeat, heartbeat);
  };
  Connect();
  beat(0);
  EXPECT_THAT(Changes(), IsEmpty());
  beat(7);
  beat(7);
  beat(9);
  ASSERT_THAT(Changes(), ElementsAre(Action::kDropped, Action::kDropped));
  const auto changes = sink.All<PublisherChange>();
  EXPECT_EQ(changes[0].dropped, 7u);
  EXPECT_EQ(changes[1].dropped, 2u);
  EXPECT_EQ(changes[0].node_id, "node");
  EXPECT_EQ(metrics.GetCounter("tallybus_engine_events_dropped_total", "").Value(), 9u);
}

TEST_F(EngineLifeTest, WhatAnEarlierRouterHeardOfIsNotToldAgain) {
  v1::Hello hello;
  hello.set_protocol_min(1);
  hello.set_protocol_max(1);
  hello.set_epoch(5);
  hello.set_node_id("node");
  hello.set_dropped(7);
  Send(Kind::kHello, hello);
  v1::Heartbeat heartbeat;
  heartbeat.set_epoch(5);
  heartbeat.set_dropped(9);
  Send(Kind::kHeartbeat, heartbeat);
  ASSERT_THAT(Changes(), ElementsAre(Action::kHello, Action::kDropped));
  EXPECT_EQ(sink.All<PublisherChange>()[1].dropped, 2u);
}

TEST_F(EngineLifeTest, AnEngineThatDiedBeforeTheRouterRestartedIsLostAfterItsGrace) {
  PublisherRecord record;
  record.epoch = 5;
  record.through = 41;
  record.node_id = "node";
  ingress->Restore({record});
  clock.Advance(absl::Seconds(30));
  ingress->Tick();
  ASSERT_THAT(Changes(), ElementsAre(Action::kLost));
  EXPECT_EQ(sink.All<PublisherChange>()[0].epoch, 5u);
}

TEST_F(EngineLifeTest, AnEngineThatOutlivedTheRouterGoesOnWhereItWas) {
  PublisherRecord record;
  record.epoch = 5;
  record.through = 41;
  ingress->Restore({record});
  SayHello(5, 30);
  EXPECT_EQ(Expect<v1::Welcome>(Kind::kWelcome).expected(), 42u);
  ingress->Acknowledge();
  SendEvents(41, {EventRecord("again"), EventRecord("new")});
  EXPECT_THAT(Names(), ElementsAre("new")) << "duplicates are removed across restarts";
}

TEST_F(EngineLifeTest, RestatedStreamsAreToldAsWhatTheyAre) {
  Connect();
  v1::Envelope stream;
  stream.set_media_session_id("m");
  stream.mutable_stream_status()->set_status("PUBLISHING");
  v1::State state;
  state.set_epoch(5);
  *state.add_streams() = stream;
  Send(Kind::kState, state);
  const auto stated = sink.All<StreamStated>();
  ASSERT_THAT(stated, SizeIs(1));
  EXPECT_EQ(stated[0].status.media_session_id, "m");
  EXPECT_EQ(stated[0].status.status, "PUBLISHING");
  EXPECT_EQ(stated[0].status.id.epoch, 5u);
  EXPECT_THAT(sink.events(), IsEmpty()) << "it is no event";
}

}  // namespace
}  // namespace tallybus::zmq_transport
