// The time line of what a recorder was told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flight_recorder.h"
#include "tallybus/trace.h"
#include "tests/support/event_builder.h"
#include "tests/support/manual_clock.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;

class StepsOfTest : public ::testing::Test {
 protected:
  absl::Time Now() { return clock_.WallNow(); }
  void Later() { clock_.Advance(absl::Milliseconds(10)); }

  EventId Accept(uint64_t sequence, const char* status = "PUBLISHING") {
    Event event = testing::StatusEvent("cam", status);
    event.id = {7, sequence};
    event.time = Now() - absl::Milliseconds(4);
    recorder_.Accepted(event, Now());
    return event.id;
  }
  void Fail(int attempt, int status, const char* info) {
    recorder_.Attempted(1, attempt, Now());
    Later();
    recorder_.Failed(1, {.attempt = attempt, .http_status = status, .info = info}, Now());
    Later();
  }
  std::vector<std::string> Lines() {
    std::vector<std::string> lines;
    const Trace trace = recorder_.Find("cam", 10);
    absl::Time before = absl::InfinitePast();
    for (const TraceStep& step : StepsOf(trace)) {
      EXPECT_GE(step.at, before);
      before = step.at;
      const std::string event = step.event ? std::to_string(*step.event) : "-";
      lines.push_back(event + " " + step.what + (step.route.empty() ? "" : " @" + step.route));
    }
    return lines;
  }

  testing::ManualClock clock_;
  FlightRecorder recorder_;
};

TEST_F(StepsOfTest, TellsEachThingThatHappened) {
  const EventId id = Accept(1);
  recorder_.Spooled(id, {1, "r", "lane", 7}, Now());
  recorder_.ToClients(id, ClientOutcome::kTold, Now());
  Later();
  Fail(1, 503, "Service Unavailable");
  recorder_.EndpointChanged("r", EndpointState::kBreakerOpen, "5 failures", Now());
  Later();
  recorder_.EndpointChanged("r", EndpointState::kOpenForBusiness, "", Now());
  Later();
  recorder_.Attempted(1, 2, Now());
  Later();
  recorder_.Settled(1, Fate::kDelivered, Now());
  EXPECT_THAT(
      Lines(),
      ElementsAre("0 accepted, 4 ms after the engine saw it", "0 handed to the session's clients",
                  "0 in the spool: row 1, number 7 of its lane @r", "0 attempt 1 @r",
                  "0 attempt 1 failed: 503 Service Unavailable; it will be tried again @r",
                  "- endpoint breaker open: 5 failures @r", "- endpoint open for business @r",
                  "0 attempt 2 @r", "0 delivered @r"));
}

TEST_F(StepsOfTest, SumsUpTheAttemptsBetweenTheFirstAndTheLast) {
  recorder_.Spooled(Accept(1), {1, "r", "lane", 1}, Now());
  for (int attempt = 1; attempt <= 9; ++attempt) Fail(attempt, 0, "timed out");
  recorder_.Settled(1, Fate::kGivenUp, Now());
  EXPECT_THAT(Lines(),
              ElementsAre("0 accepted, 4 ms after the engine saw it",
                          "0 in the spool: row 1, number 1 of its lane @r", "0 attempt 1 @r",
                          "0 attempt 1 failed: timed out; it will be tried again @r",
                          "0 7 more attempts failed before this @r", "0 attempt 9 @r",
                          "0 attempt 9 failed: timed out @r", "0 given up: a dead letter @r"));
}

TEST_F(StepsOfTest, PutsSeveralEventsIntoOneLine) {
  const EventId first = Accept(1);
  Later();
  const EventId second = Accept(2, "STOPPED");
  recorder_.NotSent(second, "defaultApp", NotSentReason::kNoBackend, Now());
  Later();
  recorder_.NotSent(first, "defaultApp", NotSentReason::kRestPolicyDisable, Now());
  EXPECT_THAT(Lines(), ElementsAre("0 accepted, 4 ms after the engine saw it",
                                   "1 accepted, 4 ms after the engine saw it",
                                   "1 never sent: no backend for the app defaultApp @defaultApp",
                                   "0 never sent: restPolicy DISABLE for StreamStatusEvent "
                                   "@defaultApp"));
}

TEST_F(StepsOfTest, SaysWhatCameFromTheSpool) {
  Event event = testing::StatusEvent("cam", "STOPPED");
  event.id = {3, 4};
  recorder_.Resumed(
      event, {.row = 90, .route = "r", .lane = "lane", .lane_sequence = 8, .accepted = Now()},
      Now());
  EXPECT_THAT(Lines(), ElementsAre("0 accepted; what came until it was read is not known here",
                                   "0 loaded from the spool: row 90, number 8 of its lane @r"));
}

TEST_F(StepsOfTest, HasWordsForEachEnd) {
  const std::pair<Fate, const char*> ends[] = {
      {Fate::kDelivered, "0 delivered @r"},
      {Fate::kFailedAnswer, "0 settled: any answer settles here, and this was a failure @r"},
      {Fate::kGivenUp, "0 given up: a dead letter @r"},
      {Fate::kRejected, "0 rejected: a dead letter @r"},
      {Fate::kGone, "0 not delivered: the endpoint is disabled; a dead letter @r"},
      {Fate::kShed, "0 shed: the route was over its share of the spool @r"},
      {Fate::kCoalesced, "0 coalesced: a newer event goes in its place @r"},
      {Fate::kDropped, "0 dropped by hand @r"}};
  recorder_.Spooled(Accept(1), {1, "r", "lane", 1}, Now());
  for (const auto& [fate, words] : ends) {
    recorder_.Settled(1, fate, Now());
    EXPECT_EQ(Lines().back(), words);
  }
}

TEST_F(StepsOfTest, HasWordsForEachThingThatClientsAreTold) {
  const std::pair<ClientOutcome, const char*> outcomes[] = {
      {ClientOutcome::kTold, "0 handed to the session's clients"},
      {ClientOutcome::kOverwritten,
       "0 handed to the session's clients, with fields of the backend's answer"},
      {ClientOutcome::kAwaitsAnswer, "0 the clients' copy waits for the backend's answer"},
      {ClientOutcome::kAwaitsTurn, "0 the clients' copy waits behind an earlier one of its stream"},
      {ClientOutcome::kNoSession, "0 no session's client is told: it names none"},
      {ClientOutcome::kNobody, "0 no client is told: there is no client channel"}};
  const EventId id = Accept(1);
  for (const auto& [outcome, words] : outcomes) {
    recorder_.ToClients(id, outcome, Now());
    EXPECT_EQ(Lines().back(), words);
  }
}

}  // namespace
}  // namespace tallybus
