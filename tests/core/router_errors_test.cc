// ErrorEvents: to whom, when, how often, and what they never say.
#include "tests/core/router_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class RouterErrorsTest : public RouterBench {
 protected:
  std::vector<std::string> Errors() const { return channel.Of("ErrorEvent"); }
  void UnderFail() { Send(OpenSession(kSession, kFail)); }
};

auto Says(const std::string& info, int attempt, bool final) {
  return HasSubstr("\"info\":\"" + info + "\",\"attempt\":" + std::to_string(attempt) +
                   ",\"final\":" + (final ? "true" : "false"));
}

TEST_F(RouterErrorsTest, AServerErrorUnderFailMakesExactlyOneFinalOne) {
  UnderFail();
  Send(StatusEvent("b4e7", "PUBLISHING"));
  transport.Complete(0, Answered(500, "Internal Server Error"));
  RunFor(absl::Minutes(20));
  EXPECT_THAT(Errors(),
              ElementsAre(AllOf(HasSubstr("\"method\":\"StreamStatusEvent\""),
                                HasSubstr("\"httpStatus\":500"),
                                HasSubstr("\"route\":\"defaultApp/backend\""),
                                HasSubstr("\"eventId\":\"" + channel.all()[0].id.ToString() + "\""),
                                Says("Internal Server Error", 1, true))));
  EXPECT_THAT(transport.attempts(), SizeIs(1)) << "an answer settles the event";
  EXPECT_EQ(Count("tallybus_error_events_total"), 1u);
}

TEST_F(RouterErrorsTest, ComesAfterTheEventsOwnCopyWithAnIdOfItsOwn) {
  transport.Run([](const auto&) { return Answered(500); });
  UnderFail();
  Send(StatusEvent("b4e7", "PUBLISHING"));
  ASSERT_THAT(channel.all(), SizeIs(2));
  EXPECT_EQ(channel.all()[0].message, "StreamStatusEvent");
  EXPECT_EQ(channel.all()[1].message, "ErrorEvent");
  EXPECT_EQ(channel.all()[1].session_id, kSession);
  EXPECT_FALSE(channel.all()[0].id == channel.all()[1].id);
}

TEST_F(RouterErrorsTest, UnderLogThereIsNone) {
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Answered(500));
  Run();
  EXPECT_THAT(Errors(), IsEmpty());
  EXPECT_THAT(log.lines(), SizeIs(1));
}

TEST_F(RouterErrorsTest, AnotherMethodsFailDoesNotCount) {
  Send(OpenSession(kSession, R"({"ConnectionStatusEvent":{"restOnError":"FAIL"}})"));
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Answered(403));
  Run();
  EXPECT_THAT(Errors(), IsEmpty());
}

TEST_F(RouterErrorsTest, SuccessMakesNone) {
  UnderFail();
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Answered(204, "No Content", R"({"status":1,"reason":"x"})"));
  RunFor(absl::Minutes(1));
  EXPECT_THAT(Errors(), IsEmpty());
}

TEST_F(RouterErrorsTest, TheAnswersOwnReasonIsTold) {
  UnderFail();
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(
      0, Answered(403, "Forbidden", R"({"status":"no","reason":"room \"7\" is full"})"));
  Run();
  EXPECT_THAT(Errors(), ElementsAre(Says(R"(room \"7\" is full)", 1, true)));
}

TEST_F(RouterErrorsTest, NothingElseOfTheAnswerAndNoAddressIsTold) {
  UnderFail();
  Send(StatusEvent("a", "PUBLISHING"));
  auto result = Answered(500, "Oops", R"({"password":"secret","status":1,"reason":"r"})");
  result.status = absl::UnavailableError("http://defaultApp answered 500");
  transport.Complete(0, result);
  Run();
  EXPECT_THAT(Errors(), ElementsAre(AllOf(Not(HasSubstr("secret")), Not(HasSubstr("http:")),
                                          Says("Oops", 1, true))));
  EXPECT_THAT(log.Text(), Not(HasSubstr("secret")));
}

TEST_F(RouterErrorsTest, ARefusalThatIsRetriedMakesOneThatIsNotFinal) {
  UnderFail();
  transport.Run([](const auto& a) { return a.attempt < 4 ? Refused() : Answered(200); });
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Errors(), ElementsAre(AllOf(Says("connection refused", 1, false),
                                          Not(HasSubstr("httpStatus")))));
  RunFor(absl::Minutes(1));
  EXPECT_THAT(transport.attempts(), SizeIs(4));
  EXPECT_THAT(Errors(), SizeIs(1)) << "it succeeded: no other one follows";
}

TEST_F(RouterErrorsTest, GivingUpMakesOneMoreThatIsFinal) {
  UnderFail();
  int attempts = 0;
  transport.Run([&](const auto& a) {
    if (a.event.name == "healthy") return Answered(200);
    attempts = a.attempt;
    return Refused();
  });
  Send(StatusEvent("a", "PUBLISHING"));
  RunForAmongOthers(absl::Minutes(20));
  EXPECT_THAT(Errors(), ElementsAre(Says("connection refused", 1, false),
                                    Says("connection refused", attempts, true)));
  EXPECT_EQ(router->Totals().given_up, 1u);
}

TEST_F(RouterErrorsTest, WithoutRetriesTheFirstOneIsFinal) {
  auto route = NewRoute();
  route->retry.kind = RetrySchedule::Kind::kNone;
  SetRoute(route);
  UnderFail();
  transport.Run([](const auto&) { return Refused(); });
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Minutes(1));
  EXPECT_THAT(Errors(), ElementsAre(Says("connection refused", 1, true)));
}

TEST_F(RouterErrorsTest, AnEventThatWaitsTooLongBehindItsHeadSaysSo) {
  UnderFail();
  transport.Run([](const auto&) { return Refused(); });
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "UNPUBLISHED"));
  RunFor(absl::Seconds(10));
  EXPECT_THAT(Errors(), SizeIs(1)) << "the head's alone";
  RunFor(absl::Milliseconds(500));
  EXPECT_THAT(Errors(),
              ElementsAre(Says("connection refused", 1, false), Says("waiting", 0, false)));
  RunFor(absl::Minutes(5));
  EXPECT_THAT(Errors(), SizeIs(2));
}

TEST_F(RouterErrorsTest, WaitingIsToldWhenItIsDueAndNotATurnLater) {
  auto route = NewRoute();
  route->endpoint.max_connections = 1;
  SetRoute(route);
  UnderFail();
  Send(StatusEvent("a", "PUBLISHING"));
  clock.Advance(absl::Milliseconds(300));
  Send(StatusEvent("b", "PUBLISHING"));
  clock.Advance(absl::Milliseconds(10'500));
  Run();
  EXPECT_THAT(Errors(), SizeIs(2)) << "both wait, and neither needs another wake-up";
}

TEST_F(RouterErrorsTest, AfterWaitingNoFailureOfAnAttemptIsToldUntilTheFinalOne) {
  UnderFail();
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "PLAYBACK_PROBLEM"));
  RunFor(absl::Seconds(10));
  transport.Complete(0, TimedOut());
  RunFor(absl::Seconds(1));
  transport.Complete(1, Answered(200));
  Run();
  ASSERT_THAT(Errors(), ElementsAre(Says("timed out", 1, false), Says("waiting", 0, false)));
  transport.Complete(2, Refused());
  RunFor(absl::Seconds(1));
  EXPECT_THAT(Errors(), SizeIs(2)) << "at most one that is not final";
  transport.Complete(3, Answered(503, "Busy"));
  Run();
  EXPECT_THAT(Errors(), SizeIs(3));
  EXPECT_THAT(Errors().back(), Says("Busy", 2, true));
}

TEST_F(RouterErrorsTest, AnEventThatSettledInTimeIsNotSaidToWait) {
  UnderFail();
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Answered(200));
  RunFor(absl::Seconds(30));
  EXPECT_THAT(Errors(), IsEmpty());
}

TEST_F(RouterErrorsTest, ATransportThatForgetsATicketIsATimeout) {
  UnderFail();
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Seconds(13));
  ASSERT_THAT(Errors(), SizeIs(1));
  EXPECT_THAT(Errors()[0], HasSubstr("\"final\":false"));
  EXPECT_GT(transport.attempts().size(), 1u);
}

TEST_F(RouterErrorsTest, AKeepAliveIsTriedOnceAndItsFailureIsFinal) {
  Send(OpenSession(kSession, R"({"StreamKeepAliveEvent":{"restOnError":"FAIL"}})"));
  transport.Run([](const auto&) { return Refused(); });
  Event event = StatusEvent("a", "PUBLISHING");
  event.method = kStreamKeepAliveEvent;
  Send(event);
  RunFor(absl::Minutes(1));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
  EXPECT_THAT(Errors(), ElementsAre(Says("connection refused", 1, true)));
}

TEST_F(RouterErrorsTest, GoesToABackendThatListsItAndCausesNoOther) {
  auto route = NewRoute();
  route->match.methods = {"StreamStatusEvent", "ErrorEvent"};
  SetRoute(route);
  transport.Run([](const auto&) { return Answered(500); });
  Send(OpenSession(
      kSession,
      R"({"StreamStatusEvent":{"restOnError":"FAIL"},"ErrorEvent":{"restOnError":"FAIL"}})"));
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Minutes(1));
  ASSERT_THAT(transport.attempts(), SizeIs(2));
  EXPECT_EQ(transport.attempts()[1].event.method, "ErrorEvent");
  EXPECT_TRUE(transport.attempts()[1].event.from_router);
  EXPECT_THAT(Errors(), SizeIs(1));
}

TEST_F(RouterErrorsTest, IsNotSentToABackendThatTakesAllElse) {
  transport.Run([](const auto&) { return Answered(500); });
  UnderFail();
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Errors(), SizeIs(1));
  EXPECT_THAT(transport.attempts(), SizeIs(1));
}

TEST_F(RouterErrorsTest, AStrictRouteCountsNoContentAsAFailure) {
  auto route = NewRoute();
  route->strict_success = true;
  SetRoute(route);
  UnderFail();
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Answered(204, "No Content"));
  Run();
  EXPECT_THAT(Errors(), ElementsAre(Says("No Content", 1, true)));
}

TEST_F(RouterErrorsTest, APeersUnprintablePhraseReachesNoLogRaw) {
  UnderFail();
  Send(StatusEvent("a", "PUBLISHING"));
  transport.Complete(0, Answered(500, "bad\n\x1b[31m\xff"));
  Run();
  EXPECT_THAT(log.Text(), HasSubstr("bad\\x0a\\x1b[31m\\xff"));
  EXPECT_THAT(Errors(), ElementsAre(HasSubstr("bad\\n\\u001b[31m?")));
}

}  // namespace
}  // namespace tallybus::testing
