// Calls on their way to the router, and their answers on the way back.
#include "router_link_fixture.h"

namespace tallybus::engine {
namespace {

class RouterLinkAsksTest : public RouterLinkTest {
 protected:
  // As tallybus_ask; the answer's story is appended to answers_.
  uint64_t Ask() {
    const auto answered = [](void* user, const tallybus_answer* answer) {
      *static_cast<std::string*>(user) += std::to_string(answer->status) + " " +
                                          std::string(View(answer->reason)) + " " +
                                          std::string(View(answer->json)) + "\n";
    };
    const uint64_t call = asks_.Add(answered, &answers_, now_);
    tallybus_json_event event = {};
    event.method = Bytes("connect");
    event.json = Bytes("{}");
    Put(ConnectRecord(call, event, 1, 11 * kSecondUs));
    return call;
  }

  std::string answers_;
};

TEST_F(RouterLinkAsksTest, ACallIsAnsweredOnceWithWhatTheRouterSays) {
  Meet(kRouter, 1);
  v1::ConnectResult result;
  result.set_call(Ask());
  const auto events = Await(v1::KIND_EVENTS).As<v1::Events>();
  v1::Record record;
  ASSERT_TRUE(record.ParseFromString(events.records(0)));
  EXPECT_EQ(record.connect().call(), result.call());
  result.set_accepted(true);
  result.set_json("{\"a\":1}");
  router_.Send(v1::KIND_CONNECT_RESULT, result);
  router_.Send(v1::KIND_CONNECT_RESULT, result);
  Settle();
  EXPECT_EQ(answers_, "0  {\"a\":1}\n");
  result.set_call(Ask());
  result.set_accepted(false);
  result.set_reason("Forbidden");
  result.clear_json();
  router_.Send(v1::KIND_CONNECT_RESULT, result);
  Settle();
  EXPECT_EQ(answers_, "0  {\"a\":1}\n7 Forbidden \n");
}

TEST_F(RouterLinkAsksTest, ACallThatNobodyAnswersTimesOut) {
  Ask();
  Step();
  EXPECT_LE(link_->NextTick(now_), now_ + 11 * kSecondUs);
  now_ += 11 * kSecondUs - 1;
  Step();
  EXPECT_EQ(answers_, "");
  ++now_;
  Step();
  EXPECT_EQ(answers_, "6 no answer in time \n");
}

TEST_F(RouterLinkAsksTest, WhatWasAskedIsAnsweredBeforeItLeaves) {
  Ask();
  Ask();
  link_->Leave();
  EXPECT_EQ(answers_, "2 the publisher closes \n2 the publisher closes \n");
}

TEST_F(RouterLinkAsksTest, StatesTheSessionThatARouterOpenedForAnAnswer) {
  Meet(kRouter, 1);
  v1::ConnectResult result;
  result.set_call(Ask());
  Await(v1::KIND_EVENTS);
  result.set_accepted(true);
  result.mutable_session()->set_action(v1::Session::ACTION_OPEN);
  result.mutable_session()->set_session_id("s");
  result.mutable_session()->set_rest_client_config("{}");
  router_.Send(v1::KIND_CONNECT_RESULT, result);
  Settle();
  v1::Resync resync;
  router_.Send(v1::KIND_RESYNC, resync);
  Await(v1::KIND_HELLO);
  router_.Welcome(kOtherRouter, 1, UINT64_MAX);
  const auto state = Await(v1::KIND_STATE).As<v1::State>();
  ASSERT_EQ(state.sessions_size(), 1);
  EXPECT_EQ(state.sessions(0).SerializeAsString(), result.session().SerializeAsString());
}

}  // namespace
}  // namespace tallybus::engine
