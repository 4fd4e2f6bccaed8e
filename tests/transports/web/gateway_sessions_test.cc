// What the router is asked and told, and what becomes of its answer.
#include "transports/web/gateway_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"
#include "tests/transports/web/fake_router.h"
#include "transports/web/pending_answer.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;
using Verdict = GatewaySessions::Verdict;

class GatewaySessionsTest : public ::testing::Test {
 protected:
  GatewaySessionsTest() { sessions_.SetSink(router_); }
  ~GatewaySessionsTest() override { thread_->Close(); }

  std::shared_ptr<GatewaySessions::Session> Open(GatewaySessions::Connect connect) {
    return sessions_.Open(std::move(connect), thread_,
                          [this](const Verdict& verdict) { verdicts_.push_back(verdict); });
  }
  // The router's answer, and the turn of the web thread behind it.
  void Answer(AskAnswer answer) {
    router_.asks.back().answer(std::move(answer));
    Turn();
  }
  void Turn() {
    io_.restart();
    io_.poll();
  }
  static AskAnswer Yes(const std::string& reason = "") { return {true, reason, "{}", {}}; }
  static AskAnswer No() { return {false, "no such user", "{}", {}}; }

  testing::ManualClock clock_;
  testing::FakeRouter router_;
  GatewaySessions sessions_{"router-1", clock_};
  boost::asio::io_context io_;
  std::shared_ptr<ServerThread> thread_ = std::make_shared<ServerThread>(io_);
  std::vector<Verdict> verdicts_;
};

TEST_F(GatewaySessionsTest, TheBackendIsAskedConnectWithWhatTheClientBrought) {
  const auto session = Open({"my\"App", "secret", R"("custom":{"a":1})"});
  EXPECT_THAT(session->id(), MatchesRegex("web/[0-9a-f]{16}"));
  ASSERT_THAT(router_.asks, SizeIs(1));
  const Event& call = router_.asks[0].event;
  EXPECT_EQ(call.method, "connect");
  EXPECT_EQ(call.app_key, "my\"App");
  EXPECT_EQ(call.session_id, session->id());
  EXPECT_EQ(call.id.epoch, 0u) << "no engine asks";
  EXPECT_EQ(call.json, R"({"nodeId":"router-1","appKey":"my\"App","sessionId":")" + session->id() +
                           R"(","authToken":"secret","custom":{"a":1}})");
  EXPECT_GT(router_.asks[0].expires, clock_.WallNow());
}

TEST_F(GatewaySessionsTest, WhatAClientDidNotBringIsNotSent) {
  const auto session = Open({"app", "", ""});
  EXPECT_EQ(router_.asks[0].event.json,
            R"({"nodeId":"router-1","appKey":"app","sessionId":")" + session->id() + R"("})");
}

TEST_F(GatewaySessionsTest, EachHasAnIdOfItsOwn) {
  EXPECT_NE(Open({"app", "", ""})->id(), Open({"app", "", ""})->id());
}

TEST_F(GatewaySessionsTest, TheAnswerComesOnTheWebThreadAndTheSessionClosesWithItsObject) {
  auto session = Open({"app", "", ""});
  router_.asks[0].answer(Yes());
  EXPECT_THAT(verdicts_, IsEmpty()) << "that was the router's thread";
  Turn();
  ASSERT_THAT(verdicts_, SizeIs(1));
  EXPECT_TRUE(verdicts_[0].accepted);
  EXPECT_TRUE(verdicts_[0].asked);
  EXPECT_EQ(verdicts_[0].json, "{}");
  EXPECT_THAT(router_.closed, IsEmpty());
  const std::string id = session->id();
  session.reset();
  EXPECT_THAT(router_.closed, ElementsAre(id));
}

TEST_F(GatewaySessionsTest, ADeclinedOneHasTheReasonAndNothingToClose) {
  auto session = Open({"app", "", ""});
  Answer(No());
  ASSERT_THAT(verdicts_, SizeIs(1));
  EXPECT_FALSE(verdicts_[0].accepted);
  EXPECT_TRUE(verdicts_[0].asked);
  EXPECT_FALSE(verdicts_[0].passing);
  EXPECT_EQ(verdicts_[0].reason, "no such user");
  session.reset();
  EXPECT_THAT(router_.closed, IsEmpty());
}

TEST_F(GatewaySessionsTest, ANoThatTheBackendDidNotSayIsPassing) {
  const auto session = Open({"app", "", ""});
  Answer({false, "timed out", "", {}});
  EXPECT_FALSE(verdicts_[0].accepted);
  EXPECT_TRUE(verdicts_[0].passing);
}

TEST_F(GatewaySessionsTest, ATokenThatIsTooLongIsNotAskedAbout) {
  const auto taken = Open({"app", std::string(8192, 'x'), ""});
  const auto refused = Open({"app", std::string(8193, 'x'), ""});
  Turn();
  EXPECT_THAT(router_.asks, SizeIs(1));
  ASSERT_THAT(verdicts_, SizeIs(1));
  EXPECT_EQ(verdicts_[0].reason, "the token is too long");
  EXPECT_FALSE(verdicts_[0].passing);
}

TEST_F(GatewaySessionsTest, AYesThatNobodySaidIsTold) {
  const auto session = Open({"app", "", ""});
  Answer(Yes("the app has no backend"));
  EXPECT_TRUE(verdicts_[0].accepted);
  EXPECT_FALSE(verdicts_[0].asked);
  EXPECT_EQ(verdicts_[0].reason, "the app has no backend");
}

TEST_F(GatewaySessionsTest, WhoLeavesBeforeTheAnswerIsClosedBehindItsConnectAndHearsNothing) {
  auto session = Open({"app", "", ""});
  const std::string id = session->id();
  session.reset();
  EXPECT_THAT(router_.closed, ElementsAre(id));
  Answer(Yes());
  EXPECT_THAT(verdicts_, IsEmpty());
}

TEST_F(GatewaySessionsTest, TheAnswerMayEndTheSession) {
  std::shared_ptr<GatewaySessions::Session> session;
  session = sessions_.Open({"app", "", ""}, thread_, [&](const Verdict&) { session.reset(); });
  const std::string id = session->id();
  Answer(Yes());
  EXPECT_EQ(session, nullptr);
  EXPECT_THAT(router_.closed, ElementsAre(id));
}

TEST_F(GatewaySessionsTest, ARouterWithoutRoomOrAtItsEndDeclinesAndNotBeforeOpenReturned) {
  router_.status = absl::ResourceExhaustedError("full");
  const auto first = Open({"app", "", ""});
  router_.status = absl::UnavailableError("shutting down");
  const auto second = Open({"app", "", ""});
  EXPECT_THAT(verdicts_, IsEmpty());
  Turn();
  ASSERT_THAT(verdicts_, SizeIs(2));
  EXPECT_FALSE(verdicts_[0].accepted);
  EXPECT_EQ(verdicts_[0].reason, "too many calls wait for the backend");
  EXPECT_TRUE(verdicts_[0].passing && verdicts_[1].passing);
  EXPECT_FALSE(verdicts_[1].accepted);
  EXPECT_EQ(verdicts_[1].reason, "the server stops");
}

TEST_F(GatewaySessionsTest, AQuestionTakesRoomUntilItIsAnsweredAlsoWhereItsClientHasLeft) {
  for (int i = 0; i < 64; ++i) Open({"app", "", ""}).reset();
  ASSERT_THAT(router_.asks, SizeIs(64));
  auto refused = Open({"app", "", ""});
  EXPECT_THAT(router_.asks, SizeIs(64));
  EXPECT_THAT(verdicts_, IsEmpty()) << "not before Open returned";
  Turn();
  ASSERT_THAT(verdicts_, SizeIs(1));
  EXPECT_EQ(verdicts_[0].reason, "too many calls wait for the backend");
  refused.reset();
  EXPECT_THAT(router_.closed, SizeIs(64)) << "it was never asked for";
  router_.asks.front().answer(No());
  router_.asks.erase(router_.asks.begin());  // as the router does
  const auto taken = Open({"app", "", ""});
  EXPECT_THAT(router_.asks, SizeIs(64));
}

TEST_F(GatewaySessionsTest, ACloseThatFindsNoRoomIsSaidAgain) {
  auto first = Open({"app", "", ""});
  auto second = Open({"app", "", ""});
  const std::vector<std::string> ids = {first->id(), second->id()};
  router_.status = absl::ResourceExhaustedError("full");
  first.reset();
  second.reset();
  sessions_.Tick();
  EXPECT_THAT(router_.closed, IsEmpty());
  router_.status = absl::OkStatus();
  sessions_.Tick();
  sessions_.Tick();
  EXPECT_EQ(router_.closed, ids) << "once";
}

TEST_F(GatewaySessionsTest, AnAnswerThatComesAfterTheServerEndedGoesNowhere) {
  const auto session = Open({"app", "", ""});
  thread_->Close();
  router_.asks[0].answer(Yes());
  Turn();
  EXPECT_THAT(verdicts_, IsEmpty());
}

}  // namespace
}  // namespace tallybus
