// Each message of the acknowledged bus against protobuf's own classes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tallybus/codec.h"
#include "tallybus/v1/bus.pb.h"

namespace tallybus::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string KindByte(Kind kind) { return std::string(1, static_cast<char>(kind)); }

template <typename Message>
absl::StatusOr<FromEngine> Decoded(Kind kind, const Message& message) {
  return Decode(KindByte(kind), message.SerializeAsString());
}

// What a protobuf reader of another language would see.
template <typename Message>
Message ReadBack(const Encoded& encoded, Kind kind) {
  EXPECT_EQ(encoded.kind, static_cast<char>(kind));
  Message message;
  EXPECT_TRUE(message.ParseFromString(encoded.bytes));
  return message;
}

EventDefaults Defaults() {
  EventDefaults defaults;
  defaults.node_id = "n";
  defaults.now = absl::FromUnixSeconds(1);
  return defaults;
}

absl::StatusOr<Record> Decoded(const v1::Record& record) {
  return DecodeRecord(record.SerializeAsString(), Defaults());
}

TEST(BusCodecTest, ReadsHello) {
  v1::Hello hello;
  hello.set_protocol_min(1);
  hello.set_protocol_max(3);
  hello.set_library_version("1.2");
  hello.set_epoch(0xfedcba9876543210);
  hello.set_node_id("n1");
  hello.set_first_held(9);
  hello.set_app_key("live");
  hello.set_client_messages(true);
  auto decoded = Decoded(Kind::kHello, hello);
  ASSERT_TRUE(decoded.ok());
  const Hello& h = std::get<Hello>(*decoded);
  EXPECT_EQ(h.protocol_min, 1u);
  EXPECT_EQ(h.protocol_max, 3u);
  EXPECT_EQ(h.library_version, "1.2");
  EXPECT_EQ(h.epoch, 0xfedcba9876543210);
  EXPECT_EQ(h.node_id, "n1");
  EXPECT_EQ(h.first_held, 9u);
  EXPECT_EQ(h.app_key, "live");
  EXPECT_TRUE(h.client_messages);
}

TEST(BusCodecTest, ReadsHeartbeat) {
  v1::Heartbeat heartbeat;
  heartbeat.set_epoch(5);
  EXPECT_EQ(std::get<Heartbeat>(*Decoded(Kind::kHeartbeat, heartbeat)).epoch, 5u);
}

TEST(BusCodecTest, ReadsEventsWithoutLookingIntoTheirRecords) {
  v1::Events events;
  events.set_epoch(5);
  events.set_first_sequence(100);
  events.add_records("one");
  events.add_records("");
  events.add_records("\xff\xff");
  const std::string bytes = events.SerializeAsString();
  const auto decoded = Decode(KindByte(Kind::kEvents), bytes);
  const Events& e = std::get<Events>(*decoded);
  EXPECT_EQ(e.epoch, 5u);
  EXPECT_EQ(e.first_sequence, 100u);
  EXPECT_THAT(e.records, ElementsAre("one", "", "\xff\xff"));
  EXPECT_EQ(e.owner, nullptr) << "what is plain is not copied";
}

TEST(BusCodecTest, ReadsEventsOfALaterVersion) {
  v1::Events events;
  events.set_epoch(5);
  events.set_first_sequence(100);
  events.add_records("one");
  std::string bytes = events.SerializeAsString() + "\x22\x03new" + "\x1a\x03two";
  const auto decoded = Decode(KindByte(Kind::kEvents), bytes);
  ASSERT_TRUE(decoded.ok());
  bytes.assign(bytes.size(), 'x');
  const Events& e = std::get<Events>(*decoded);
  EXPECT_EQ(e.epoch, 5u);
  EXPECT_EQ(e.first_sequence, 100u);
  EXPECT_THAT(e.records, ElementsAre("one", "two")) << "they are copies";
}

TEST(BusCodecTest, RefusesEventsThatAreNotWhole) {
  v1::Events events;
  events.set_epoch(5);
  events.set_first_sequence(300);
  events.add_records(std::string(200, 'r'));
  const std::string bytes = events.SerializeAsString();
  for (size_t size = 1; size < bytes.size(); ++size) {
    v1::Events cut;
    EXPECT_EQ(Decode(KindByte(Kind::kEvents), bytes.substr(0, size)).ok(),
              cut.ParseFromString(bytes.substr(0, size)))
        << size;
  }
}

TEST(BusCodecTest, ReadsStateWithItsSessions) {
  v1::State state;
  state.set_epoch(5);
  v1::Session& session = *state.add_sessions();
  session.set_action(v1::Session::ACTION_OPEN);
  session.set_session_id("s");
  session.set_app_key("a");
  session.set_rest_client_config("{}");
  state.add_streams()->set_method("StreamStatusEvent");
  const State s = std::get<State>(*Decoded(Kind::kState, state));
  EXPECT_EQ(s.epoch, 5u);
  ASSERT_EQ(s.sessions.size(), 1u);
  EXPECT_EQ(s.sessions[0].session_id, "s");
  EXPECT_EQ(s.sessions[0].app_key, "a");
  EXPECT_EQ(s.sessions[0].rest_client_config, "{}");
}

TEST(BusCodecTest, StateLeavesOutASessionWithoutAnId) {
  v1::State state;
  state.add_sessions()->set_app_key("a");
  EXPECT_THAT(std::get<State>(*Decoded(Kind::kState, state)).sessions, IsEmpty());
}

TEST(BusCodecTest, RefusesKindsThatAreNotAnEngines) {
  for (std::string kind :
       {KindByte(Kind::kWelcome), KindByte(Kind::kAck), KindByte(Kind::kClient),
        std::string(1, '\0'), std::string(1, '\xff'), std::string(), std::string(2, '\1')}) {
    EXPECT_EQ(MalformedReason(Decode(kind, "").status()), "kind");
  }
}

TEST(BusCodecTest, RefusesBytesThatAreNotTheirKind) {
  for (Kind kind : {Kind::kHello, Kind::kHeartbeat, Kind::kEvents, Kind::kState}) {
    EXPECT_EQ(MalformedReason(Decode(KindByte(kind), "\xff\xff\xff").status()), "protobuf");
  }
}

TEST(BusCodecTest, RefusesBadUtf8InAString) {
  EXPECT_EQ(MalformedReason(Decode(KindByte(Kind::kHello), "\x1a\x01\xff").status()), "protobuf");
}

TEST(BusCodecTest, WritesWelcomeAckAndHeartbeat) {
  auto welcome = ReadBack<v1::Welcome>(Encode(Welcome{1, 2, 3, 4}), Kind::kWelcome);
  EXPECT_EQ(welcome.router_epoch(), 1u);
  EXPECT_EQ(welcome.protocol(), 2u);
  EXPECT_EQ(welcome.expected(), 3u);
  EXPECT_EQ(welcome.send_through(), 4u);
  auto ack = ReadBack<v1::Ack>(Encode(Ack{5, 6}), Kind::kAck);
  EXPECT_EQ(ack.durable_through(), 5u);
  EXPECT_EQ(ack.send_through(), 6u);
  EXPECT_EQ(ReadBack<v1::Heartbeat>(Encode(Heartbeat{7}), Kind::kHeartbeat).epoch(), 7u);
}

TEST(BusCodecTest, WritesRefuseResyncAndReject) {
  auto refuse = ReadBack<v1::Refuse>(Encode(Refuse{"too old"}), Kind::kRefuse);
  EXPECT_EQ(refuse.protocol_min(), kProtocolMin);
  EXPECT_EQ(refuse.protocol_max(), kProtocolMax);
  EXPECT_EQ(refuse.reason(), "too old");
  auto resync = ReadBack<v1::Resync>(Encode(Resync{1, 0}), Kind::kResync);
  EXPECT_EQ(resync.router_epoch(), 1u);
  EXPECT_EQ(resync.expected(), 0u);
  auto reject = ReadBack<v1::Reject>(Encode(Reject{8, "json: bad"}), Kind::kReject);
  EXPECT_EQ(reject.sequence(), 8u);
  EXPECT_EQ(reject.reason(), "json: bad");
}

TEST(BusCodecTest, WritesClientMessages) {
  auto client =
      ReadBack<v1::Client>(Encode(Client{"s", "ErrorEvent", "{}", "{\"id\":1}"}), Kind::kClient);
  EXPECT_EQ(client.session_id(), "s");
  EXPECT_EQ(client.message(), "ErrorEvent");
  EXPECT_EQ(client.json(), "{}");
  EXPECT_EQ(client.meta(), "{\"id\":1}");
}

TEST(BusCodecTest, ARecordIsAnEvent) {
  v1::Record record;
  record.mutable_event()->set_method("DataStatusEvent");
  record.mutable_event()->set_json(R"({"status":"ACCEPTED"})");
  auto decoded = Decoded(record);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(std::get<Event>(*decoded).json,
            R"({"nodeId":"n","appKey":"defaultApp","status":"ACCEPTED"})");
}

TEST(BusCodecTest, ARecordIsASessionChange) {
  using Action = SessionChange::Action;
  v1::Record record;
  record.mutable_session()->set_session_id("s");
  EXPECT_EQ(std::get<SessionChange>(*Decoded(record)).action, Action::kOpen);
  EXPECT_FALSE(std::get<SessionChange>(*Decoded(record)).rest_client_config.has_value());
  record.mutable_session()->set_action(v1::Session::ACTION_UPDATE);
  record.mutable_session()->set_rest_client_config("");
  EXPECT_EQ(std::get<SessionChange>(*Decoded(record)).action, Action::kUpdate);
  EXPECT_EQ(std::get<SessionChange>(*Decoded(record)).rest_client_config, "");
  record.mutable_session()->set_action(v1::Session::ACTION_CLOSE);
  EXPECT_EQ(std::get<SessionChange>(*Decoded(record)).action, Action::kClose);
}

TEST(BusCodecTest, ARecordIsAGoodbye) {
  v1::Record record;
  record.mutable_bye();
  EXPECT_TRUE(std::holds_alternative<Bye>(*Decoded(record)));
}

TEST(BusCodecTest, ARecordIsACallThatTheBackendMayRefuse) {
  v1::Record record;
  record.mutable_connect()->set_call(7);
  record.mutable_connect()->set_timeout_ms(11'000);
  record.mutable_connect()->mutable_event()->set_method("connect");
  record.mutable_connect()->mutable_event()->set_session_id("s");
  record.mutable_connect()->mutable_event()->set_json(R"({"authToken":"t"})");
  const absl::StatusOr<Record> decoded = Decoded(record);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  const Connect& connect = std::get<Connect>(*decoded);
  EXPECT_EQ(connect.call, 7u);
  EXPECT_EQ(connect.timeout, absl::Seconds(11));
  EXPECT_EQ(connect.event.method, "connect");
  EXPECT_EQ(connect.event.session_id, "s");
}

TEST(BusCodecTest, ACallWithoutAMethodIsRefused) {
  v1::Record record;
  record.mutable_connect()->set_call(1);
  EXPECT_EQ(MalformedReason(Decoded(record).status()), "method");
}

TEST(BusCodecTest, WritesTheAnswerOfACall) {
  ConnectResult result;
  result.call = 7;
  result.answer.accepted = true;
  result.answer.reason = "r";
  result.answer.json = "{}";
  v1::ConnectResult read;
  Encoded encoded = Encode(result);
  EXPECT_EQ(encoded.kind, static_cast<char>(Kind::kConnectResult));
  ASSERT_TRUE(read.ParseFromString(encoded.bytes));
  EXPECT_EQ(read.call(), 7u);
  EXPECT_TRUE(read.accepted());
  EXPECT_EQ(read.reason(), "r");
  EXPECT_EQ(read.json(), "{}");
  EXPECT_FALSE(read.has_session());
  result.answer.session = SessionChange{SessionChange::Action::kOpen, "s", "a", R"({"M":{}})", 5};
  ASSERT_TRUE(read.ParseFromString(Encode(result).bytes));
  EXPECT_EQ(read.session().action(), v1::Session::ACTION_OPEN);
  EXPECT_EQ(read.session().session_id(), "s");
  EXPECT_EQ(read.session().app_key(), "a");
  EXPECT_EQ(read.session().rest_client_config(), R"({"M":{}})");
}

TEST(BusCodecTest, WritesTheCommandToEndAStream) {
  const Encoded encoded = Encode(Terminate{"s", "m", "Forbidden"});
  EXPECT_EQ(encoded.kind, static_cast<char>(Kind::kTerminate));
  v1::Terminate read;
  ASSERT_TRUE(read.ParseFromString(encoded.bytes));
  EXPECT_EQ(read.session_id(), "s");
  EXPECT_EQ(read.media_session_id(), "m");
  EXPECT_EQ(read.reason(), "Forbidden");
}

TEST(BusCodecTest, RefusesRecordsOfNoUse) {
  EXPECT_EQ(MalformedReason(Decoded(v1::Record()).status()), "protobuf");
  EXPECT_EQ(MalformedReason(DecodeRecord("\xff", Defaults()).status()), "protobuf");
  v1::Record record;
  record.mutable_session()->set_app_key("a");
  EXPECT_EQ(MalformedReason(Decoded(record).status()), "protobuf") << "a session without an id";
  EXPECT_EQ(
      MalformedReason(DecodeRecord(std::string(kMaxEventBytes + 1, 'x'), Defaults()).status()),
      "too_large");
}

TEST(BusCodecTest, OneMalformedRecordSpoilsNoOther) {
  v1::Record good;
  good.mutable_event()->set_method("M");
  good.mutable_event()->set_json("{}");
  v1::Events events;
  events.add_records(good.SerializeAsString());
  events.add_records("\xff\xff\xff");
  events.add_records(good.SerializeAsString());
  const std::string bytes = events.SerializeAsString();
  const auto decoded = Decode(KindByte(Kind::kEvents), bytes);
  const Events& e = std::get<Events>(*decoded);
  ASSERT_EQ(e.records.size(), 3u);
  EXPECT_TRUE(DecodeRecord(e.records[0], Defaults()).ok());
  EXPECT_FALSE(DecodeRecord(e.records[1], Defaults()).ok());
  EXPECT_TRUE(DecodeRecord(e.records[2], Defaults()).ok());
}

}  // namespace
}  // namespace tallybus::bus
