// restPolicy OVERWRITE: for what the clients' copy waits, what lets it go, and who waits behind it.
#include "tests/core/router_bench.h"
#include "tests/core/surviving_spool.h"

namespace tallybus::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kOverwrite[] =
    R"({"StreamStatusEvent":{"restPolicy":"OVERWRITE","restOverwrite":"info"}})";

class RouterOverwriteTest : public RouterBench {
 protected:
  RouterOverwriteTest() : RouterBench(std::make_unique<SurvivingSpool>()) {
    Send(OpenSession(kSession, kOverwrite));
  }

  // "<stream> <status>" of each copy, with the `info` that an answer gave it.
  std::vector<std::string> Told() const {
    std::vector<std::string> told;
    for (const auto& m : channel.all()) {
      std::string line = Field(m.json, "name") + " " + Field(m.json, "status");
      if (m.message != kStreamStatusEvent) line = m.message + " of " + line;
      const std::string info = Field(m.json, "info");
      told.push_back(line + (info.empty() ? "" : " (" + info + ")"));
    }
    return told;
  }
  static std::string Field(const std::string& json, const std::string& key) {
    const size_t at = json.find("\"" + key + "\":\"");
    if (at == std::string::npos) return "";
    const size_t begin = at + key.size() + 4;
    return json.substr(begin, json.find('"', begin) - begin);
  }
  static DeliveryResult Says(const std::string& info) {
    return Answered(200, "OK", R"({"info":")" + info + R"("})");
  }
  uint64_t Ended(const char* end) {
    return Count("tallybus_overwrite_copies_total", {{"end", end}});
  }
  void ChangeRoute(const std::function<void(Route&)>& change) {
    auto route = NewRoute();
    change(*route);
    SetRoute(route);
  }
  // A status of stream `a` in another method, which its session has under NOTIFY.
  static Event OtherMethod(const std::string& status) {
    Event event = StatusEvent("a", status);
    event.method = "RecordingStatusEvent";
    return event;
  }
};

TEST_F(RouterOverwriteTest, TheCopyWaitsForTheAnswerAndCarriesItsFields) {
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Told(), IsEmpty());
  ASSERT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_TRUE(transport.attempts()[0].want_answer);
  EXPECT_THAT(transport.attempts()[0].body, Not(HasSubstr("info")));
  transport.Complete(0, Says("welcome"));
  Run();
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING (welcome)"));
  EXPECT_EQ(Ended("overwritten"), 1u);
  EXPECT_EQ(Count("tallybus_overwrite_fields_total", {{"result", "replaced"}}), 1u);
  EXPECT_EQ(router->Totals().delivered, 1u);
}

TEST_F(RouterOverwriteTest, UnderNotifyNoAnswerIsAskedFor) {
  Send(OpenSession(kSession, "{}"));
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING"));
  EXPECT_FALSE(transport.attempts()[0].want_answer);
}

TEST_F(RouterOverwriteTest, AnAnswerOfTheWrongTypeIsCountedAndLeft) {
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Answered(200, "OK", R"({"info":5})"));
  Run();
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING"));
  EXPECT_EQ(Count("tallybus_overwrite_fields_total", {{"result", "wrong_type"}}), 1u);
  EXPECT_EQ(Ended("unchanged"), 1u);
}

TEST_F(RouterOverwriteTest, LaterEventsOfTheStreamWaitBehindAndOtherStreamsDoNot) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(OtherMethod("STARTED"));
  Send(StatusEvent("b", "PUBLISHING"));
  transport.Complete(1, Says("second stream"));
  Run();
  EXPECT_THAT(Told(), ElementsAre("b PUBLISHING (second stream)"));
  transport.Complete(0, Says("first stream"));
  Run();
  EXPECT_THAT(Told(), ElementsAre("b PUBLISHING (second stream)", "a PUBLISHING (first stream)",
                                  "RecordingStatusEvent of a STARTED"));
}

TEST_F(RouterOverwriteTest, EachEventOfAStreamGetsItsOwnAnswer) {
  for (const char* status : {"PUBLISHING", "RESIZE", "UNPUBLISHED"}) {
    Send(StatusEvent("a", status));
  }
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_THAT(transport.attempts(), SizeIs(i + 1));
    EXPECT_TRUE(transport.attempts()[i].want_answer) << "also where the spool gave it back";
    transport.Complete(i, Says(std::to_string(i)));
    Run();
  }
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING (0)", "a RESIZE (1)", "a UNPUBLISHED (2)"));
}

TEST_F(RouterOverwriteTest, AfterTheTimeoutItGoesAsItIsAndALateAnswerChangesNothing) {
  constexpr absl::Duration kTimeout = absl::Milliseconds(2345);
  ChangeRoute([&](Route& route) { route.endpoint.timeout = kTimeout; });
  Send(StatusEvent("a", "PUBLISHING"));
  const MonoTime start = clock.Now();
  MonoTime told;
  channel.on_notify = [&](const auto&) { told = clock.Now(); };
  RunFor(absl::Seconds(3));
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING"));
  EXPECT_EQ(told - start, kTimeout);
  transport.Complete(0, Says("late"));
  Run();
  EXPECT_THAT(Told(), SizeIs(1));
  EXPECT_EQ(Ended("timed_out"), 1u);
  EXPECT_EQ(Ended("overwritten"), 0u);
}

TEST_F(RouterOverwriteTest, AFailedFirstAttemptLetsItGoAndNoRetryIsAskedForItsAnswer) {
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Refused());
  Run();
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING"));
  RunFor(absl::Seconds(1));
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  EXPECT_FALSE(transport.attempts()[1].want_answer);
  transport.Complete(1, Says("late"));
  Run();
  EXPECT_THAT(Told(), SizeIs(1));
  EXPECT_EQ(Ended("failed"), 1u);
}

TEST_F(RouterOverwriteTest, AnEventBehindARetriedOneWaitsForItsTimeoutAndKeepsTheOrder) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  transport.Run([](const auto& a) -> std::optional<DeliveryResult> {
    return a.event.name == "a" ? Refused() : Answered(200);
  });
  transport.Complete(0, Refused());
  RunForAmongOthers(absl::Seconds(9));
  EXPECT_EQ(Ended("timed_out"), 0u);
  RunForAmongOthers(absl::Seconds(2));
  EXPECT_EQ(Ended("timed_out"), 1u);
  std::vector<std::string> of_a = Told();
  std::erase_if(of_a, [](const std::string& line) { return line.starts_with("healthy"); });
  EXPECT_THAT(of_a, ElementsAre("a PUBLISHING", "a UNPUBLISHED"));
}

TEST_F(RouterOverwriteTest, AnErrorEventComesAfterItsEventsOwnCopy) {
  Send(OpenSession(kSession, R"({"StreamStatusEvent":{"restPolicy":"OVERWRITE",)"
                             R"("restOverwrite":"info","restOnError":"FAIL"}})"));
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  transport.Complete(0, Answered(500, "Oops"));
  Run();
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING")) << "the ErrorEvent stays behind the second gate";
  transport.Complete(1, Says("bye"));
  Run();
  EXPECT_THAT(Told(),
              ElementsAre("a PUBLISHING", "a UNPUBLISHED (bye)", "ErrorEvent of a FAILED (Oops)"));
}

TEST_F(RouterOverwriteTest, AtAnEndpointThatIsNotCalledNowItGoesAtOnce) {
  ASSERT_TRUE(router->desk().Control("defaultApp/backend", Desk::Verb::kPause, "", "ann").ok());
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING"));
  EXPECT_EQ(Ended("endpoint"), 1u);
}

TEST_F(RouterOverwriteTest, ABreakerThatOpensLetsAllGoThatWaitForItsEndpoint) {
  auto other = NewRoute("otherApp");
  SetRoute(other, "otherApp");
  Event elsewhere = StatusEvent("elsewhere", "PUBLISHING");
  elsewhere.app_key = "otherApp";
  Send(elsewhere);
  for (int i = 0; i < 7; ++i) Send(StatusEvent("s" + std::to_string(i), "PUBLISHING"));
  EXPECT_THAT(Told(), IsEmpty());
  for (size_t i = 1; i <= 5; ++i) transport.Complete(i, TimedOut());
  Run();
  EXPECT_THAT(Told(), SizeIs(7)) << "the breaker is open after five";
  EXPECT_EQ(Ended("failed"), 5u);
  EXPECT_EQ(Ended("endpoint"), 2u);
  transport.Complete(0, Says("hello"));
  Run();
  EXPECT_THAT(Told().back(), "elsewhere PUBLISHING (hello)");
}

TEST_F(RouterOverwriteTest, AMethodThatIsHeldLetsItsEventsGoAndNoOthers) {
  ChangeRoute([](Route& route) { route.delivery = DeliveryMode::kGuaranteed; });
  Send(OpenSession(kSession, R"({"StreamStatusEvent":{"restPolicy":"OVERWRITE"},)"
                             R"("RecordingStatusEvent":{"restPolicy":"OVERWRITE"}})"));
  Event recording = OtherMethod("STARTED");
  recording.name = recording.media_session_id = "r";
  Send(recording);
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("b", "PUBLISHING"));
  transport.Complete(1, Answered(404, "Not Found"));
  Run();
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING", "b PUBLISHING"));
  Send(StatusEvent("c", "PUBLISHING"));
  EXPECT_THAT(Told(), SizeIs(3)) << "it is held already";
  EXPECT_EQ(Ended("endpoint"), 2u);
  transport.Complete(0, Answered(200, "OK", "{}"));
  Run();
  EXPECT_THAT(Told(), SizeIs(4));
}

TEST_F(RouterOverwriteTest, ADeadLetterLetsItGo) {
  ChangeRoute([](Route& route) { route.delivery = DeliveryMode::kGuaranteed; });
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  transport.Complete(0, Answered(410, "Gone"));
  Run();
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING", "a UNPUBLISHED"));
}

TEST_F(RouterOverwriteTest, WhatIsCoalescedLetsItGo) {
  ChangeRoute([](Route& route) { route.coalesce = true; });
  for (int i = 0; i < 4; ++i) Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Told(), IsEmpty()) << "the first waits, and the others behind it";
  EXPECT_EQ(router->Totals().coalesced, 2u);
  EXPECT_EQ(Ended("unanswered"), 2u);
  transport.Complete(0, Says("0"));
  Run();
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING (0)", "a PUBLISHING", "a PUBLISHING"))
      << "a client misses nothing of what the backend does";
  transport.Complete(1, Says("3"));
  Run();
  EXPECT_THAT(Told().back(), "a PUBLISHING (3)");
}

TEST_F(RouterOverwriteTest, WhatIsShedLetsItGo) {
  const size_t each = [] {
    SpoolRow row;
    row.event = SharedStatusEvent("a", "RESIZE");
    return row.Bytes();
  }();
  ChangeRoute([each](Route& route) { route.quota_bytes = each * 3; });
  for (int i = 0; i < 5; ++i) Send(StatusEvent("a", "RESIZE"));
  EXPECT_GT(router->Totals().shed, 0u);
  EXPECT_EQ(Ended("unanswered"), router->Totals().shed);
}

TEST_F(RouterOverwriteTest, ABatchesAnswerOverwritesNothingAndNobodyWaitsForIt) {
  ChangeRoute([](Route& route) { route.batch = BatchLimits(); });
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING"));
  EXPECT_EQ(Ended("batch"), 1u);
  RunFor(absl::Milliseconds(20));
  ASSERT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_FALSE(transport.attempts()[0].want_answer);
}

TEST_F(RouterOverwriteTest, AKeepAliveWaitsForItsAnswerAndOneThatIsNotSentDoesNot) {
  Send(OpenSession(kSession, R"({"StreamKeepAliveEvent":{"restPolicy":"OVERWRITE",)"
                             R"("restOverwrite":"status"}})"));
  Event alive = StatusEvent("a", "PUBLISHING");
  alive.method = kStreamKeepAliveEvent;
  Send(alive);
  EXPECT_THAT(Told(), IsEmpty());
  Send(alive);  // one is under way: this one is never sent
  EXPECT_EQ(Ended("endpoint"), 1u);
  transport.Complete(0, Answered(200, "OK", R"({"status":"PLAYING"})"));
  Run();
  EXPECT_THAT(Told(), ElementsAre("StreamKeepAliveEvent of a PLAYING",
                                  "StreamKeepAliveEvent of a PUBLISHING"));
}

TEST_F(RouterOverwriteTest, AnEventWithoutASessionIsOverwrittenForThoseWhoWatchItsStream) {
  ChangeRoute([](Route& route) { route.app_config = ParseRestClientConfig(kOverwrite).config; });
  Event event = StatusEvent("a", "PUBLISHING");
  event.session_id = "";
  Send(event);
  ASSERT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(channel.without_session(), IsEmpty());
  transport.Complete(0, Says("welcome"));
  Run();
  ASSERT_THAT(channel.without_session(), SizeIs(1));
  EXPECT_THAT(channel.without_session()[0].json, HasSubstr(R"("info":"welcome")"));
}

TEST_F(RouterOverwriteTest, OneTooManyBehindAGateOpensItInOrder) {
  Send(StatusEvent("a", "PUBLISHING"));
  std::vector<std::string> want = {"a PUBLISHING"};
  for (int i = 0; i < 65; ++i) {
    EXPECT_THAT(Told(), IsEmpty());
    Send(OtherMethod("R" + std::to_string(i)));
    want.push_back("RecordingStatusEvent of a R" + std::to_string(i));
  }
  EXPECT_EQ(Told(), want);
  EXPECT_EQ(Ended("crowded"), 1u);
}

TEST_F(RouterOverwriteTest, ARestartTellsClientsNothingAgainAndAsksForNoAnswer) {
  Send(StatusEvent("a", "PUBLISHING"));
  Restart();
  Run();
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  EXPECT_FALSE(transport.attempts()[1].want_answer);
  transport.Complete(1, Says("late"));
  RunFor(absl::Minutes(1));
  EXPECT_THAT(Told(), IsEmpty()) << "at most once";
  EXPECT_EQ(router->Totals().delivered, 1u);
}

TEST_F(RouterOverwriteTest, AStopLetsAllGo) {
  Send(StatusEvent("a", "PUBLISHING"));
  router->BeginShutdown();
  Run();
  EXPECT_THAT(Told(), IsEmpty()) << "what is in flight may still be answered";
  router->StopDispatch();
  EXPECT_THAT(Told(), ElementsAre("a PUBLISHING"));
  EXPECT_EQ(Ended("stopped"), 1u);
}

TEST_F(RouterOverwriteTest, WhatStaysAsItIsGetsTheClientsExclusions) {
  Send(OpenSession(kSession, R"({"StreamStatusEvent":{"restPolicy":"OVERWRITE",)"
                             R"("restOverwrite":"info,sdp","clientExclude":"info"}})"));
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Answered(200, "OK", R"({"info":"x","sdp":"v=1"})"));
  Run();
  EXPECT_THAT(channel.Of(kStreamStatusEvent),
              ElementsAre(AllOf(Not(HasSubstr("info")), HasSubstr(R"("sdp":"v=1")"))));
}

TEST_F(RouterOverwriteTest, TheTraceSaysThatTheCopyWaitedAndWhatItCarried) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(OtherMethod("STARTED"));
  const auto clients = [this] {
    std::vector<ClientOutcome> outcomes;
    router->desk().FindTrace("a", [&](Trace trace) {
      for (const TracedEvent& event : trace.events) outcomes.push_back(*event.clients);
    });
    Run();
    return outcomes;
  };
  EXPECT_THAT(clients(), ElementsAre(ClientOutcome::kAwaitsAnswer, ClientOutcome::kAwaitsTurn));
  transport.Complete(0, Says("hi"));
  Run();
  EXPECT_THAT(clients(), ElementsAre(ClientOutcome::kOverwritten, ClientOutcome::kTold));
}

}  // namespace
}  // namespace tallybus::testing
