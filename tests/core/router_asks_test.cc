// Calls that the backend may refuse, and what a session's connect holds back until its answer.
#include <algorithm>

#include "tests/core/router_bench.h"
#include "tests/core/surviving_spool.h"

namespace tallybus::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kAccepted[] =
    R"({"restClientConfig":{"StreamStatusEvent":{"restExclude":"sdp","clientExclude":"name"}}})";

class RouterAsksTest : public RouterBench {
 protected:
  RouterAsksTest() : RouterBench(std::make_unique<SurvivingSpool>()) {}

  Ask Call(const std::string& method = "connect") {
    Ask ask;
    ask.event.id = {kEngine, ++sequence};
    ask.event.time = clock.WallNow();
    ask.event.method = method;
    ask.event.app_key = kApp;
    ask.event.session_id = kSession;
    ask.event.json = R"({"appKey":"defaultApp","sessionId":"session-1","authToken":"t"})";
    ask.expires = clock.WallNow() + absl::Seconds(11);
    ask.answer = [this](AskAnswer answer) { answers.push_back(std::move(answer)); };
    return ask;
  }
  void SendStatus(const std::string& name, const std::string& status = "PUBLISHING") {
    Event event = StatusEvent(name, status);
    event.id = {kEngine, ++sequence};
    Send(std::move(event));
  }
  void UseConfig(const std::string& json) {
    auto route = NewRoute();
    route->app_config = ParseRestClientConfig(json).config;
    SetRoute(route);
  }
  void Answer(size_t index, DeliveryResult result) {
    transport.Complete(index, std::move(result));
    Run();
  }

  static constexpr uint64_t kEngine = 0x77;
  uint64_t sequence = 0;
  std::vector<AskAnswer> answers;
};

TEST_F(RouterAsksTest, AConnectIsPostedOnceAndItsAnswerComesBack) {
  Send(Call());
  ASSERT_THAT(transport.attempts(), SizeIs(1));
  const auto& attempt = transport.attempts()[0];
  EXPECT_EQ(attempt.event.method, "connect");
  EXPECT_EQ(attempt.body, R"({"appKey":"defaultApp","sessionId":"session-1","authToken":"t"})");
  EXPECT_TRUE(attempt.want_answer);
  EXPECT_EQ(attempt.lane_sequence, 0u);
  EXPECT_EQ(attempt.deadline, clock.Now() + absl::Seconds(10));
  EXPECT_THAT(answers, IsEmpty());
  Answer(0, Answered(200, "OK", R"({"a":1})"));
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_TRUE(answers[0].accepted);
  EXPECT_EQ(answers[0].reason, "");
  EXPECT_EQ(answers[0].json, R"({"a":1})");
  ASSERT_TRUE(answers[0].session.has_value());
  EXPECT_EQ(answers[0].session->session_id, kSession);
  EXPECT_EQ(answers[0].session->rest_client_config, std::nullopt);
  EXPECT_THAT(channel.all(), IsEmpty()) << "a call is no event";
  EXPECT_EQ(Count("tallybus_asks_total", {{"outcome", "accepted"}}), 1u);
}

TEST_F(RouterAsksTest, TheAnswersConfigGovernsTheSessionAlsoAfterARestart) {
  Send(Call());
  Answer(0, Answered(200, "OK", kAccepted));
  EXPECT_THAT(*answers[0].session->rest_client_config, HasSubstr("restExclude"));
  SendStatus("a");
  EXPECT_THAT(transport.attempts()[1].body, Not(HasSubstr("sdp")));
  EXPECT_THAT(channel.all()[0].json, Not(HasSubstr("\"name\"")));
  Answer(1, Answered(200));
  Restart();
  SendStatus("b");
  EXPECT_THAT(transport.attempts()[2].body, Not(HasSubstr("sdp")));
}

TEST_F(RouterAsksTest, OfAMalformedConfigWhatIsValidIsUsedAndTheRestIsOneWarning) {
  Send(Call());
  Answer(0, Answered(200, "OK",
                     R"({"restClientConfig":{"StreamStatusEvent":)"
                     R"({"restExclude":"sdp","restOnEror":"FAIL"}}})"));
  EXPECT_TRUE(answers[0].accepted);
  const std::vector<std::string> lines = log.lines();
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const auto& line) {
                            return line.find("session-1") != std::string::npos &&
                                   line.find("restOnEror") != std::string::npos;
                          }),
            1);
  SendStatus("a");
  EXPECT_THAT(transport.attempts()[1].body, Not(HasSubstr("sdp")));
}

TEST_F(RouterAsksTest, AnyErrorDeclinesAConnectUnderLogAndUnderFail) {
  struct Case {
    DeliveryResult result;
    std::string reason;
  };
  for (const char* config :
       {R"({"connect":{"restOnError":"LOG"}})", R"({"connect":{"restOnError":"FAIL"}})"}) {
    UseConfig(config);
    const Case cases[] = {
        {Answered(403, "Forbidden"), "Forbidden"},
        {Answered(403, "Forbidden", R"({"status":403,"reason":"no such user"})"), "no such user"},
        {Answered(500, "Internal Server Error"), "Internal Server Error"},
        {Refused(), "connection refused"},
        {TimedOut(), "timed out"}};
    for (const Case& each : cases) {
      SCOPED_TRACE(config + each.reason);
      answers.clear();
      Send(Call());
      Answer(transport.attempts().size() - 1, each.result);
      ASSERT_THAT(answers, SizeIs(1));
      EXPECT_FALSE(answers[0].accepted);
      EXPECT_EQ(answers[0].reason, each.reason);
      EXPECT_FALSE(answers[0].session.has_value());
    }
  }
  EXPECT_EQ(transport.open(), 0u) << "nothing is tried again";
  RunFor(absl::Hours(1));
  EXPECT_THAT(transport.attempts(), SizeIs(10));
}

TEST_F(RouterAsksTest, AnotherCallIsDeclinedUnderFailAndGoesOnUnderLog) {
  for (const bool fails : {false, true}) {
    UseConfig(fails ? R"({"publishStream":{"restOnError":"FAIL"}})" : "{}");
    answers.clear();
    Send(Call("publishStream"));
    Answer(transport.attempts().size() - 1, Answered(403, "Forbidden"));
    ASSERT_THAT(answers, SizeIs(1));
    EXPECT_EQ(answers[0].accepted, !fails);
    EXPECT_EQ(answers[0].reason, "Forbidden");
    EXPECT_FALSE(answers[0].session.has_value()) << "only connect opens a session";
  }
}

TEST_F(RouterAsksTest, AnAnswerIsHandedOnOnlyWhereItIsAnObject) {
  for (const char* answer : {"", "[1]", "1", "{", "\xff"}) {
    answers.clear();
    Send(Call());
    Answer(transport.attempts().size() - 1, Answered(200, "OK", answer));
    ASSERT_THAT(answers, SizeIs(1));
    EXPECT_TRUE(answers[0].accepted) << answer;
    EXPECT_EQ(answers[0].json, "") << answer;
  }
}

TEST_F(RouterAsksTest, WithoutABackendNobodyConnectsButOtherCallsGoOn) {
  RemoveRoute(kApp);
  Send(Call());
  Send(Call("publishStream"));
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_FALSE(answers[0].accepted);
  EXPECT_EQ(answers[0].reason, "the app has no backend");
  EXPECT_TRUE(answers[1].accepted);
}

TEST_F(RouterAsksTest, ACallThatTheConfigSparesTheBackendIsAccepted) {
  UseConfig(R"({"connect":{"restPolicy":"DISABLE"}})");
  Send(Call());
  auto route = NewRoute();
  route->match.methods = {"StreamStatusEvent"};
  SetRoute(route);
  Send(Call());
  EXPECT_THAT(transport.attempts(), IsEmpty());
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_TRUE(answers[0].accepted);
  EXPECT_TRUE(answers[1].accepted);
}

TEST_F(RouterAsksTest, ACallThatNobodyWaitsForIsNotMade) {
  Ask late = Call();
  late.expires = clock.WallNow();
  Send(std::move(late));
  EXPECT_THAT(transport.attempts(), IsEmpty());
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_FALSE(answers[0].accepted);
}

TEST_F(RouterAsksTest, AHungTransportDeclinesSoonAfterTheTimeout) {
  Send(Call());
  RunFor(absl::Seconds(13));
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_FALSE(answers[0].accepted);
  EXPECT_EQ(answers[0].reason, "timed out");
  transport.Complete(0, Answered(200));
  Run();
  EXPECT_THAT(answers, SizeIs(1));
}

TEST_F(RouterAsksTest, ConnectExcludesTheFieldsThatTheAppWithholds) {
  UseConfig(R"({"connect":{"restExclude":"authToken"}})");
  Send(Call());
  EXPECT_EQ(transport.attempts()[0].body, R"({"appKey":"defaultApp","sessionId":"session-1"})");
}

TEST_F(RouterAsksTest, TheSessionsEventsWaitForTheAnswerAndOtherSessionsDoNot) {
  Send(Call());
  SendStatus("a");
  SendStatus("a", "UNPUBLISHED");
  Event other = StatusEvent("b", "PUBLISHING");
  other.session_id = "session-2";
  Send(other);
  EXPECT_THAT(transport.Story(), ElementsAre(" ", "b PUBLISHING"));
  ASSERT_THAT(channel.all(), SizeIs(1));
  Answer(0, Answered(200, "OK", kAccepted));
  EXPECT_THAT(transport.Story(), ElementsAre(" ", "b PUBLISHING", "a PUBLISHING"));
  EXPECT_THAT(transport.attempts()[2].body, Not(HasSubstr("sdp"))) << "by the answer's config";
  EXPECT_THAT(channel.all(), SizeIs(3));
  Answer(2, Answered(200));
  EXPECT_EQ(transport.attempts()[3].event.status, "UNPUBLISHED");
}

TEST_F(RouterAsksTest, WhatADeclinedConnectHeldBackIsToldAllTheSame) {
  Send(Call());
  SendStatus("a");
  Answer(0, Answered(403, "Forbidden"));
  EXPECT_EQ(transport.attempts()[1].event.name, "a");
  EXPECT_THAT(transport.attempts()[1].body, HasSubstr("sdp"));
}

TEST_F(RouterAsksTest, AfterSixtyFourTheEventsWaitNoLongerAndStayInOrder) {
  transport.Run([](const auto& attempt) -> std::optional<DeliveryResult> {
    if (attempt.event.method == "connect") return std::nullopt;
    return Answered(200);
  });
  Send(Call());
  for (int i = 0; i < 64; ++i) SendStatus("a" + std::to_string(i));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  SendStatus("b");
  SendStatus("c");
  ASSERT_THAT(transport.attempts(), SizeIs(67));
  EXPECT_EQ(transport.attempts()[1].event.name, "a0");
  EXPECT_EQ(transport.attempts()[65].event.name, "b");
  EXPECT_EQ(transport.attempts()[66].event.name, "c");
  Answer(0, Answered(200, "OK", kAccepted));
  EXPECT_TRUE(answers[0].accepted);
  SendStatus("d");
  EXPECT_THAT(transport.attempts()[67].body, Not(HasSubstr("sdp")));
}

TEST_F(RouterAsksTest, ARouterThatEndsMeanwhileLosesNoEventThatItAcknowledged) {
  Send(Call());
  SendStatus("a");
  SendStatus("a", "UNPUBLISHED");
  Restart();
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  EXPECT_EQ(transport.attempts()[1].event.status, "PUBLISHING");
  EXPECT_EQ(transport.attempts()[1].event.id, (EventId{kEngine, 2}));
  Answer(1, Answered(200));
  EXPECT_EQ(transport.attempts()[2].event.status, "UNPUBLISHED");
  Answer(2, Answered(200));
  Restart();
  EXPECT_THAT(transport.attempts(), SizeIs(3)) << "once";
}

TEST_F(RouterAsksTest, AClientThatIsGoneBeforeTheAnswerLeavesNoSession) {
  Send(Call());
  Send(SessionChange{SessionChange::Action::kClose, kSession, kApp, std::nullopt, kEngine});
  Answer(0, Answered(200, "OK", kAccepted));
  EXPECT_TRUE(answers[0].accepted);
  EXPECT_FALSE(answers[0].session.has_value());
  SendStatus("a");
  EXPECT_THAT(transport.attempts()[1].body, HasSubstr("sdp"));
}

class RouterAsksEndTest : public RouterAsksTest {
 protected:
  void Tell(PublisherChange::Action action) {
    PublisherChange change;
    change.action = action;
    change.source = SourceOfEpoch(kEngine);
    change.epoch = kEngine;
    change.node_id = kNode;
    Send(change);
  }
};

TEST_F(RouterAsksEndTest, AnEndThatTheRouterMakesStaysBehindWhatWaitsForTheAnswer) {
  for (const auto action : {PublisherChange::Action::kBye, PublisherChange::Action::kLost}) {
    transport.Run([](const auto& attempt) -> std::optional<DeliveryResult> {
      if (attempt.event.method == "connect") return std::nullopt;
      return Answered(200);
    });
    const size_t before = transport.attempts().size();
    Tell(PublisherChange::Action::kHello);
    Send(Call());
    SendStatus("a");
    Tell(action);
    EXPECT_THAT(transport.attempts(), SizeIs(before + 1));
    Answer(before, TimedOut());
    ASSERT_THAT(transport.attempts(), SizeIs(before + 3));
    EXPECT_EQ(transport.attempts()[before + 1].event.status, "PUBLISHING");
    EXPECT_EQ(transport.attempts()[before + 2].event.status, "FAILED");
  }
}

TEST_F(RouterAsksEndTest, AnEngineThatIsGoneOpensNoSession) {
  Tell(PublisherChange::Action::kHello);
  Send(Call());
  Tell(PublisherChange::Action::kBye);
  Answer(0, Answered(200, "OK", kAccepted));
  EXPECT_FALSE(answers[0].session.has_value());
}

TEST_F(RouterAsksTest, ASessionThatComesAgainBeforeTheAnswerIsOpened) {
  Send(Call());
  Send(SessionChange{SessionChange::Action::kClose, kSession, kApp, std::nullopt, kEngine});
  Send(Call());
  Answer(1, Answered(200, "OK", kAccepted));
  EXPECT_TRUE(answers[0].session.has_value());
}

TEST_F(RouterAsksTest, AnAnswerThatCannotBeReadIsOneWarning) {
  Send(Call());
  Answer(0, Answered(200, "OK", "<html>"));
  EXPECT_TRUE(answers[0].accepted);
  const std::vector<std::string> lines = log.lines();
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const auto& line) {
                            return line.find("session-1") != std::string::npos &&
                                   line.find("no JSON object") != std::string::npos;
                          }),
            1);
}

TEST_F(RouterAsksTest, ASessionIsForgottenSixtySecondsAfterItsDisconnected) {
  transport.Run([](const auto& attempt) {
    return Answered(200, "OK", attempt.event.method == "connect" ? kAccepted : "");
  });
  Send(Call());
  Event gone = StatusEvent("", "DISCONNECTED");
  gone.method = kConnectionStatusEvent;
  gone.terminal = true;
  gone.id = {kEngine, ++sequence};
  Send(gone);
  RunFor(absl::Seconds(59));
  SendStatus("a", "UNPUBLISHED");
  EXPECT_THAT(transport.attempts()[2].body, Not(HasSubstr("sdp")));
  RunFor(absl::Seconds(2));
  SendStatus("b", "UNPUBLISHED");
  EXPECT_THAT(transport.attempts()[3].body, HasSubstr("sdp"));
}

TEST_F(RouterAsksTest, MoreThanFourThousandAtATimeAreDeclined) {
  for (int i = 0; i < 4097; ++i) {
    Ask ask = Call();
    ask.event.session_id += std::to_string(i);
    Send(std::move(ask));
  }
  EXPECT_THAT(transport.attempts(), SizeIs(4096));
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(answers[0].reason, "too many calls wait for the backend");
}

}  // namespace
}  // namespace tallybus::testing
