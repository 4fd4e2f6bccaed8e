// The bus's messages, byte by byte against the protobuf runtime.
#include "message.h"

#include <gtest/gtest.h>

#include <string>

#include "tallybus/v1/bus.pb.h"
#include "wire.h"

namespace tallybus::engine {
namespace {

TEST(MessageTest, WritesHelloAsTheProtobufRuntimeDoes) {
  v1::Hello expected;
  expected.set_protocol_min(1);
  expected.set_protocol_max(1);
  expected.set_library_version("0.1.0");
  expected.set_epoch(0x1122334455667788u);
  expected.set_node_id("node");
  expected.set_first_held(300);
  expected.set_app_key("defaultApp");
  expected.set_client_messages(true);
  EXPECT_EQ(Encode(Hello{"0.1.0", 0x1122334455667788u, "node", 300, "defaultApp", true}),
            expected.SerializeAsString());
  expected.set_client_messages(false);
  expected.set_dropped(77);
  EXPECT_EQ(Encode(Hello{"0.1.0", 0x1122334455667788u, "node", 300, "defaultApp", false, 77}),
            expected.SerializeAsString());
}

TEST(MessageTest, WritesHeartbeatAsTheProtobufRuntimeDoes) {
  v1::Heartbeat expected;
  expected.set_epoch(9);
  EXPECT_EQ(Encode(Heartbeat{9}), expected.SerializeAsString());
  expected.set_dropped(1'000);
  EXPECT_EQ(Encode(Heartbeat{9, 1'000}), expected.SerializeAsString());
}

TEST(MessageTest, WritesEventsAsTheProtobufRuntimeDoes) {
  v1::Events expected;
  expected.set_epoch(7);
  expected.set_first_sequence(1'000'000);
  expected.add_records("one");
  expected.add_records(std::string(500, '2'));
  std::string bytes(EventsHeadSize(1'000'000) + BytesFieldSize(kEventsRecordField, 3) +
                        BytesFieldSize(kEventsRecordField, 500),
                    '\0');
  Writer out(bytes.data());
  WriteEventsHead(out, 7, 1'000'000);
  out.Bytes(kEventsRecordField, "one");
  out.Bytes(kEventsRecordField, std::string(500, '2'));
  EXPECT_EQ(bytes, expected.SerializeAsString());
}

TEST(MessageTest, NamesTheKindsAsTheProtocolDoes) {
  EXPECT_EQ(static_cast<int>(Kind::kHello), v1::KIND_HELLO);
  EXPECT_EQ(static_cast<int>(Kind::kWelcome), v1::KIND_WELCOME);
  EXPECT_EQ(static_cast<int>(Kind::kRefuse), v1::KIND_REFUSE);
  EXPECT_EQ(static_cast<int>(Kind::kHeartbeat), v1::KIND_HEARTBEAT);
  EXPECT_EQ(static_cast<int>(Kind::kEvents), v1::KIND_EVENTS);
  EXPECT_EQ(static_cast<int>(Kind::kResync), v1::KIND_RESYNC);
  EXPECT_EQ(static_cast<int>(Kind::kAck), v1::KIND_ACK);
  EXPECT_EQ(static_cast<int>(Kind::kReject), v1::KIND_REJECT);
  EXPECT_EQ(static_cast<int>(Kind::kClient), v1::KIND_CLIENT);
  EXPECT_EQ(static_cast<int>(Kind::kConnectResult), v1::KIND_CONNECT_RESULT);
  EXPECT_EQ(static_cast<int>(Kind::kTerminate), v1::KIND_TERMINATE);
  EXPECT_EQ(static_cast<int>(Kind::kState), v1::KIND_STATE);
}

template <typename To, typename From>
To Decoded(const From& from) {
  To to;
  EXPECT_TRUE(Decode(from.SerializeAsString(), &to));
  return to;
}

TEST(MessageTest, ReadsTheNumbersOfTheRouter) {
  v1::Welcome welcome;
  welcome.set_router_epoch(UINT64_MAX);
  welcome.set_protocol(1);
  welcome.set_expected(2);
  welcome.set_send_through(UINT64_MAX);
  EXPECT_EQ(Decoded<Welcome>(welcome).router_epoch, UINT64_MAX);
  EXPECT_EQ(Decoded<Welcome>(welcome).protocol, 1u);
  EXPECT_EQ(Decoded<Welcome>(welcome).expected, 2u);
  EXPECT_EQ(Decoded<Welcome>(welcome).send_through, UINT64_MAX);

  v1::Resync resync;
  resync.set_router_epoch(5);
  resync.set_expected(6);
  EXPECT_EQ(Decoded<Resync>(resync).router_epoch, 5u);
  EXPECT_EQ(Decoded<Resync>(resync).expected, 6u);

  v1::Ack ack;
  ack.set_durable_through(7);
  ack.set_send_through(8);
  EXPECT_EQ(Decoded<Ack>(ack).durable_through, 7u);
  EXPECT_EQ(Decoded<Ack>(ack).send_through, 8u);
}

TEST(MessageTest, ReadsTheTextOfTheRouter) {
  v1::Refuse refuse;
  refuse.set_protocol_min(2);
  refuse.set_protocol_max(3);
  refuse.set_reason("too old");
  const std::string refuse_bytes = refuse.SerializeAsString();
  Refuse refused;
  ASSERT_TRUE(Decode(refuse_bytes, &refused));
  EXPECT_EQ(refused.protocol_min, 2u);
  EXPECT_EQ(refused.protocol_max, 3u);
  EXPECT_EQ(refused.reason, "too old");

  v1::Client client;
  client.set_session_id("s");
  client.set_message("ErrorEvent");
  client.set_json("{}");
  client.set_meta("{\"id\":1}");
  const std::string client_bytes = client.SerializeAsString();
  ClientMessage message;
  ASSERT_TRUE(Decode(client_bytes, &message));
  EXPECT_EQ(message.session_id, "s");
  EXPECT_EQ(message.message, "ErrorEvent");
  EXPECT_EQ(message.json, "{}");
  EXPECT_EQ(message.meta, "{\"id\":1}");

  v1::Terminate terminate;
  terminate.set_session_id("s");
  terminate.set_media_session_id("m");
  terminate.set_reason("why");
  const std::string terminate_bytes = terminate.SerializeAsString();
  Terminate command;
  ASSERT_TRUE(Decode(terminate_bytes, &command));
  EXPECT_EQ(command.media_session_id, "m");
  EXPECT_EQ(command.reason, "why");

  v1::Reject reject;
  reject.set_sequence(4);
  reject.set_reason("bad");
  const std::string reject_bytes = reject.SerializeAsString();
  Reject rejected;
  ASSERT_TRUE(Decode(reject_bytes, &rejected));
  EXPECT_EQ(rejected.sequence, 4u);
  EXPECT_EQ(rejected.reason, "bad");
}

TEST(MessageTest, SkipsFieldsOfANewerRouter) {
  v1::Client newer;  // its fields 3 and 4 are unknown to RESYNC
  newer.set_json("{}");
  newer.set_meta("{}");
  Resync resync;
  EXPECT_TRUE(Decode(newer.SerializeAsString(), &resync));
  EXPECT_EQ(resync.expected, 0u);
}

TEST(MessageTest, RefusesWhatIsNoMessage) {
  Ack ack;
  EXPECT_FALSE(Decode("\x08", &ack));
  EXPECT_FALSE(Decode("garbage!", &ack));
}

TEST(MessageTest, ReadsTheAnswerOfACall) {
  v1::ConnectResult from;
  from.set_call(9);
  from.set_accepted(true);
  from.set_reason("r");
  from.set_json("{}");
  from.mutable_session()->set_session_id("s");
  const std::string bytes = from.SerializeAsString();
  ConnectResult to;
  ASSERT_TRUE(Decode(bytes, &to));
  EXPECT_EQ(to.call, 9u);
  EXPECT_EQ(to.accepted, 1u);
  EXPECT_EQ(to.reason, "r");
  EXPECT_EQ(to.json, "{}");
  EXPECT_EQ(to.session, from.session().SerializeAsString());
}

}  // namespace
}  // namespace tallybus::engine
