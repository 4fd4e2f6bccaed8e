// Sessions that no engine opens: the gateway asks connect for a client of its own.
#include "tests/core/router_bench.h"
#include "tests/core/surviving_spool.h"

namespace tallybus::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kAccepted[] = R"({"restClientConfig":{"StreamStatusEvent":{"restExclude":"sdp"}}})";

class RouterGatewayAsksTest : public RouterBench {
 protected:
  RouterGatewayAsksTest() : RouterBench(std::make_unique<SurvivingSpool>()) {}

  Ask Call(uint64_t engine) {
    Ask ask;
    if (engine != 0) ask.event.id = {engine, 1};
    ask.event.time = clock.WallNow();
    ask.event.method = "connect";
    ask.event.app_key = kApp;
    ask.event.session_id = kSession;
    ask.event.json = R"({"appKey":"defaultApp","sessionId":"session-1"})";
    ask.expires = absl::InfiniteFuture();
    ask.answer = [this](AskAnswer answer) { answers.push_back(std::move(answer)); };
    return ask;
  }
  void Connect() { Send(Call(0)); }
  void Close() {
    Send(SessionChange{SessionChange::Action::kClose, kSession, "", std::nullopt, 0});
  }
  void Answer(size_t index, DeliveryResult result) {
    transport.Complete(index, std::move(result));
    Run();
  }
  // The body of the session's next event.
  std::string NextBody() {
    Send(StatusEvent("stream-" + std::to_string(transport.attempts().size()), "PUBLISHING"));
    const std::string body = transport.attempts().back().body;
    Answer(transport.attempts().size() - 1, Answered(200));
    return body;
  }

  std::vector<AskAnswer> answers;
};

TEST_F(RouterGatewayAsksTest, AGatewaysConnectOpensASessionUntilTheGatewayClosesIt) {
  Connect();
  Answer(0, Answered(200, "OK", kAccepted));
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_TRUE(answers[0].accepted);
  EXPECT_EQ(answers[0].reason, "");
  EXPECT_THAT(NextBody(), Not(HasSubstr("sdp")));
  Close();
  RunFor(absl::Seconds(62));
  EXPECT_THAT(NextBody(), HasSubstr("sdp")) << "it is forgotten";
}

TEST_F(RouterGatewayAsksTest, AGatewaysSessionEndsWithTheProcessThatItsClientWasConnectedTo) {
  Connect();
  Answer(0, Answered(200, "OK", kAccepted));
  Restart();
  EXPECT_THAT(NextBody(), Not(HasSubstr("sdp"))) << "for a minute";
  RunFor(absl::Seconds(62));
  EXPECT_THAT(NextBody(), HasSubstr("sdp"));
  Restart();
  EXPECT_THAT(NextBody(), HasSubstr("sdp")) << "in the spool too";
}

TEST_F(RouterGatewayAsksTest, AGatewayIsToldWhereNobodyWasAsked) {
  auto route = NewRoute();
  route->app_config = ParseRestClientConfig(R"({"connect":{"restPolicy":"DISABLE"}})").config;
  SetRoute(route);
  Connect();
  RemoveRoute(kApp);
  Connect();
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_TRUE(answers[0].accepted);
  EXPECT_EQ(answers[0].reason, "the app's backend is not asked");
  EXPECT_TRUE(answers[1].accepted);
  EXPECT_EQ(answers[1].reason, "the app has no backend");
}

TEST_F(RouterGatewayAsksTest, ANoOfTheBackendsHasAnObjectAndAFailureHasNone) {
  struct Case {
    DeliveryResult result;
    std::string json;
  };
  const Case cases[] = {{Answered(403, "Forbidden"), "{}"},
                        {Answered(403, "Forbidden", R"({"a":1})"), R"({"a":1})"},
                        {Answered(429, "Too Many Requests", R"({"a":1})"), ""},
                        {Answered(503, "Service Unavailable", R"({"a":1})"), ""},
                        {Refused(), ""},
                        {TimedOut(), ""}};
  for (const Case& each : cases) {
    Connect();
    Answer(transport.attempts().size() - 1, each.result);
    EXPECT_FALSE(answers.back().accepted);
    EXPECT_EQ(answers.back().json, each.json) << each.result.remote_code;
  }
}

TEST_F(RouterGatewayAsksTest, ClientsOfItsOwnTakeNoEnginesRoom) {
  for (int i = 0; i < 64; ++i) Connect();
  EXPECT_THAT(answers, IsEmpty());
  Connect();
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(answers[0].reason, "too many calls wait for the backend");
  EXPECT_THAT(transport.attempts(), SizeIs(64));
  constexpr int kOfEngines = 4096;
  for (int i = 0; i < kOfEngines; ++i) Send(Call(0x77));
  EXPECT_THAT(answers, SizeIs(1)) << "their share is whole";
  Answer(0, Answered(200));
  Connect();
  EXPECT_THAT(transport.attempts(), SizeIs(64 + kOfEngines + 1));
  EXPECT_THAT(answers, SizeIs(2)) << "what is answered makes room";
}

TEST_F(RouterGatewayAsksTest, WhoLeavesBeforeTheAnswerHasNoSession) {
  Connect();
  Close();
  Answer(0, Answered(200, "OK", kAccepted));
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_FALSE(answers[0].session.has_value());
  EXPECT_THAT(NextBody(), HasSubstr("sdp"));
}

}  // namespace
}  // namespace tallybus::testing
