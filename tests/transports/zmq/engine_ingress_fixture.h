// The acknowledged bus from an engine's chair: a DEALER that says what an engine would.
#ifndef TALLYBUS_TESTS_TRANSPORTS_ZMQ_ENGINE_INGRESS_FIXTURE_H_
#define TALLYBUS_TESTS_TRANSPORTS_ZMQ_ENGINE_INGRESS_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tallybus/v1/bus.pb.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_log.h"
#include "tests/transports/zmq/recording_sink.h"
#include "tests/transports/zmq/zmq_peer.h"
#include "transports/zmq/engine_ingress.h"

namespace tallybus::zmq_transport {

using bus::Kind;
using Action = PublisherChange::Action;

inline constexpr uint64_t kRouterEpoch = 77;

inline std::string KindByte(Kind kind) { return std::string(1, static_cast<char>(kind)); }

inline std::string EventRecord(const std::string& name) {
  v1::Record record;
  record.mutable_event()->mutable_stream_status()->set_name(name);
  return record.SerializeAsString();
}

inline std::string SessionRecord(const std::string& id, const std::string& app) {
  v1::Record record;
  record.mutable_session()->set_action(v1::Session::ACTION_OPEN);
  record.mutable_session()->set_session_id(id);
  record.mutable_session()->set_app_key(app);
  return record.SerializeAsString();
}

class EngineIngressFixture : public ::testing::Test {
 protected:
  EngineIngressFixture() {
    ingress =
        *EngineIngress::Bind(context, "tcp://127.0.0.1:0", {clock, metrics, log, kRouterEpoch});
    ingress->SetSink(sink);
    engine.emplace(context, zmq::socket_type::dealer, ingress->endpoint());
  }

  // Sends, and lets the ingress take it.
  void Send(const std::vector<std::string_view>& frames) {
    engine->Send(frames);
    ASSERT_TRUE(WaitReadable(ingress->socket()));
    ingress->Receive();
  }
  template <typename Message>
  void Send(Kind kind, const Message& message) {
    Send({KindByte(kind), message.SerializeAsString()});
  }
  void SayHello(uint64_t epoch = 5, uint64_t first_held = 1) {
    v1::Hello hello;
    hello.set_protocol_min(1);
    hello.set_protocol_max(1);
    hello.set_epoch(epoch);
    hello.set_node_id("node");
    hello.set_app_key("engineApp");
    hello.set_first_held(first_held);
    hello.set_client_messages(true);
    Send(Kind::kHello, hello);
    told = sink.All<PublisherChange>();
    std::erase_if(sink.batches, [](const IngressBatch& batch) {
      return batch.records.size() == 1 &&
             std::holds_alternative<PublisherChange>(batch.records.front());
    });
  }
  void SendEvents(uint64_t first, const std::vector<std::string>& records, uint64_t epoch = 5) {
    v1::Events events;
    events.set_epoch(epoch);
    events.set_first_sequence(first);
    for (const std::string& record : records) events.add_records(record);
    Send(Kind::kEvents, events);
  }
  // The next message, which must be of this kind.
  template <typename Message>
  Message Expect(Kind kind) {
    const std::vector<std::string> frames = engine->Receive();
    Message message;
    EXPECT_EQ(frames.size(), 2u);
    if (frames.size() != 2) return message;
    EXPECT_EQ(frames[0], KindByte(kind));
    EXPECT_TRUE(message.ParseFromString(frames[1]));
    return message;
  }
  void Connect() {
    SayHello();
    Expect<v1::Welcome>(Kind::kWelcome);
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const Event& event : sink.events()) names.push_back(event.name);
    return names;
  }
  std::vector<Action> Changes() {
    std::vector<Action> actions;
    for (const auto& change : sink.All<PublisherChange>()) actions.push_back(change.action);
    return actions;
  }
  uint64_t Malformed(const std::string& reason) {
    return metrics
        .GetCounter("tallybus_malformed_total", "", {{"bus", "engine"}, {"reason", reason}})
        .Value();
  }

  zmq::context_t context;
  RecordingSink sink;
  std::vector<PublisherChange> told;  // by the last HELLO
  testing::ManualClock clock;
  Metrics metrics;
  testing::RecordingLog log;
  std::unique_ptr<EngineIngress> ingress;
  std::optional<Peer> engine;
};

}  // namespace tallybus::zmq_transport

#endif  // TALLYBUS_TESTS_TRANSPORTS_ZMQ_ENGINE_INGRESS_FIXTURE_H_
