// A router link under a test's clock, and the scripted router that it talks to.
#ifndef TALLYBUS_TESTS_PLUGINS_ENGINE_ROUTER_LINK_FIXTURE_H_
#define TALLYBUS_TESTS_PLUGINS_ENGINE_ROUTER_LINK_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "record.h"
#include "router_link.h"
#include "scripted_router.h"

namespace tallybus::engine {

constexpr uint64_t kEpoch = 0xabcdef;
constexpr uint64_t kRouter = 1001;
constexpr uint64_t kOtherRouter = 1002;

class RouterLinkTest : public testing::Test {
 protected:
  RouterLinkTest() {
    tallybus_publisher_options options = {};
    options.struct_size = sizeof(options);
    recorder_.Install(&options);
    const std::string endpoint = router_.endpoint();
    options.endpoint = Bytes(endpoint);
    options.node_id = Bytes("node");
    EXPECT_EQ(ReadSettings(options, &settings_), TALLYBUS_OK);
    callbacks_ = std::make_unique<Callbacks>(settings_.hooks, &counters_);
    link_ = std::make_unique<RouterLink>(settings_, kEpoch, ring_.get(), &counters_,
                                         callbacks_.get(), &asks_);
    EXPECT_EQ(link_->Open(), TALLYBUS_OK);
  }

  void Step() {
    link_->Receive(now_);
    link_->Tick(now_);
    pause_ = link_->Send(now_);
  }
  // Steps until a message of that kind reaches the router; others are dropped.
  ScriptedRouter::Message Await(v1::Kind kind) {
    ScriptedRouter::Message found{v1::KIND_UNSPECIFIED, {}};
    const bool came = WaitUntil([&] {
      now_ += passing_us_;
      Step();
      while (const auto message = router_.Poll()) {
        if (message->kind != kind) continue;
        found = *message;
        return true;
      }
      return false;
    });
    EXPECT_TRUE(came) << v1::Kind_Name(kind);
    return found;
  }
  bool StepUntil(const std::function<bool()>& holds) {
    return WaitUntil([&] { return Step(), holds(); });
  }
  // Steps until the link has taken in all that the router has sent: it answers a marker.
  void Settle() {
    v1::Client marker;
    marker.set_message("marker" + std::to_string(++markers_));
    router_.Send(v1::KIND_CLIENT, marker);
    ASSERT_TRUE(StepUntil([&] { return recorder_.Has(marker.message()); }));
  }

  v1::Hello Meet(uint64_t router_epoch, uint64_t expected, uint64_t send_through = UINT64_MAX) {
    const v1::Hello hello = Await(v1::KIND_HELLO).As<v1::Hello>();
    router_.Welcome(router_epoch, expected, send_through);
    Settle();
    return hello;
  }

  template <typename Record>
  void Put(const Record& record) {
    const Slot slot = ring_->Reserve(record.size(), record.may_use_headroom());
    ASSERT_TRUE(slot);
    record.WriteTo(slot.payload);
    Ring::Publish(slot, Record::kKind);
  }
  void Publish(std::string_view json) {
    tallybus_json_event event = {};
    event.method = Bytes("TestEvent");
    event.json = Bytes(json);
    Put(JsonEventRecord(event, 1));
  }
  void Stream(std::string_view media_session_id, std::string_view status) {
    tallybus_stream_status event = {};
    event.media_session_id = Bytes(media_session_id);
    event.status = Bytes(status);
    Put(StreamStatusRecord(event, 1));
  }

  // A letter for each record of the events up to `through`, checking that none is missing.
  std::string AwaitEvents(uint64_t first, uint64_t through) {
    std::string text;
    for (uint64_t expected = first; expected <= through && !HasFailure();) {
      const auto events = Await(v1::KIND_EVENTS).As<v1::Events>();
      EXPECT_EQ(events.epoch(), kEpoch);
      EXPECT_EQ(events.first_sequence(), expected);
      for (const std::string& bytes : events.records()) {
        v1::Record record;
        EXPECT_TRUE(record.ParseFromString(bytes));
        text += record.has_bye() ? "B" : record.event().json() + record.event().media_session_id();
      }
      expected += static_cast<uint64_t>(events.records_size());
    }
    return text;
  }

  ScriptedRouter router_;
  Recorder recorder_;
  Settings settings_;
  Counters counters_;
  std::unique_ptr<Ring> ring_ = Ring::Create(1 << 20);
  std::unique_ptr<Callbacks> callbacks_;
  Asks asks_{11 * kSecondUs};
  std::unique_ptr<RouterLink> link_;
  int64_t now_ = 1'000 * kSecondUs;
  int64_t passing_us_ = 0;  // with each look of Await
  Pause pause_ = Pause::kNone;
  int markers_ = 0;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_TESTS_PLUGINS_ENGINE_ROUTER_LINK_FIXTURE_H_
