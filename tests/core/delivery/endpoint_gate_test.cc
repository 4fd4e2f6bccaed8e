// Breaker, limit, waits and decisions of one endpoint. Its holds are in endpoint_holds_test.cc.
#include "delivery/endpoint_gate.h"

#include <vector>

#include "tallybus/event.h"
#include "tests/core/delivery/endpoint_gate_fixture.h"

namespace tallybus {
namespace {

using EndpointGateTest = EndpointGateFixture;

TEST_F(EndpointGateTest, AsManyGoAsTheLimitAllows) {
  std::vector<Pass> passes;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(Ask(), Permit::kGo);
    passes.push_back(Start());
  }
  EXPECT_EQ(Ask(), Permit::kWait);
  EXPECT_EQ(gate.in_flight(), 8);
  Finish(passes[3], Sign::kAnswered);
  EXPECT_EQ(Ask(), Permit::kGo);
}

TEST_F(EndpointGateTest, AnOpenBreakerLetsOneProbeThroughAtItsTime) {
  Trip();
  EXPECT_EQ(StateNow(), State::kBreakerOpen);
  EXPECT_EQ(Ask(), Permit::kWait);
  Wait();
  EXPECT_EQ(Ask(), Permit::kProbe);
  const Pass probe = Start();
  EXPECT_EQ(StateNow(), State::kProbing);
  EXPECT_EQ(Ask(), Permit::kWait);
  EXPECT_EQ(gate.NextDue(clock.Now()), std::nullopt);
  Finish(probe, Sign::kTaken);
  EXPECT_EQ(StateNow(), State::kReady);
  EXPECT_EQ(gate.limit(), 1);
}

TEST_F(EndpointGateTest, AnyAnswerClosesTheBreaker) {
  for (Sign sign : {Sign::kTaken, Sign::kAnswered, Sign::kHold, Sign::kHoldMethod}) {
    EndpointGate one(8, 1);
    for (int i = 0; i < 5; ++i) {
      one.Finish(one.Start(Permit::kGo, "A", clock.Now()), "A", {.kind = Sign::kTrouble},
                 clock.Now());
    }
    clock.AdvanceTo(one.NextDue(clock.Now()).value());
    one.Finish(one.Start(one.Ask("A", clock.Now()), "A", clock.Now()), "A", {.kind = sign},
               clock.Now());
    for (const EndpointAlarm& alarm : one.Alarms()) {
      EXPECT_NE(alarm.kind, EndpointAlarm::Kind::kBreakerOpen);
    }
  }
}

TEST_F(EndpointGateTest, AnAbandonedProbeHasFailed) {
  Trip();
  Wait();
  Try(Sign::kNothing);
  EXPECT_EQ(StateNow(), State::kBreakerOpen);
  EXPECT_GE(gate.NextDue(clock.Now()).value() - clock.Now(), absl::Seconds(5)) << "the next step";
}

TEST_F(EndpointGateTest, AProbeDoesNotWaitForThoseThatHang) {
  std::vector<Pass> hanging;
  for (int i = 0; i < 7; ++i) hanging.push_back(Start());
  Trip();
  Wait();
  ASSERT_GE(gate.in_flight(), gate.limit());
  EXPECT_EQ(Ask(), Permit::kProbe);
  Try(Sign::kTaken);
  EXPECT_EQ(Ask(), Permit::kGo) << "nor does the one that follows it";
  for (const Pass& pass : hanging) Finish(pass, Sign::kTrouble);
  EXPECT_EQ(StateNow(), State::kReady) << "what went out before says nothing of now";
  EXPECT_EQ(gate.in_flight(), 0);
}

TEST_F(EndpointGateTest, AKeepAliveIsNeverAProbe) {
  Trip();
  Wait();
  EXPECT_EQ(Ask(kStreamKeepAliveEvent), Permit::kMethodHeld);
  EXPECT_EQ(Ask(), Permit::kProbe);
}

TEST_F(EndpointGateTest, AnswersThatSpeakForNothingDoNotTripIt) {
  for (int i = 0; i < 100; ++i) Try(Sign::kNothing);
  for (int i = 0; i < 100; ++i) Try(Sign::kAnswered, 500);
  EXPECT_EQ(StateNow(), State::kReady);
}

TEST_F(EndpointGateTest, RetryAfterPausesTheEndpoint) {
  Try(Sign::kTrouble, 503, "A", absl::Seconds(3));
  EXPECT_EQ(StateNow(), State::kAskedToWait);
  EXPECT_EQ(gate.Snapshot(clock.Now()).reason, "answered 503");
  EXPECT_EQ(Ask(), Permit::kWait);
  EXPECT_EQ(gate.NextDue(clock.Now()), clock.Now() + absl::Seconds(3));
  clock.Advance(absl::Seconds(3));
  EXPECT_EQ(Ask(), Permit::kGo);
  EXPECT_EQ(gate.NextDue(clock.Now()), std::nullopt);
}

TEST_F(EndpointGateTest, TheLongestOfSeveralHintsCounts) {
  const Pass first = Start();
  const Pass second = Start();
  Finish(first, Sign::kTrouble, 429, "A", absl::Seconds(9));
  Finish(second, Sign::kTrouble, 429, "A", absl::Seconds(2));
  EXPECT_EQ(gate.NextDue(clock.Now()), clock.Now() + absl::Seconds(9));
}

TEST_F(EndpointGateTest, OwnTimeStandsStillWhileTheBreakerIsNotClosed) {
  const absl::Duration begin = Own();
  clock.Advance(absl::Seconds(2));
  EXPECT_EQ(Own() - begin, absl::Seconds(2));
  EXPECT_FALSE(gate.InOutage("A", clock.Now()));
  Trip();
  EXPECT_TRUE(gate.InOutage("A", clock.Now()));
  for (int i = 0; i < 40; ++i) {
    Wait();
    const Pass probe = Start();
    clock.Advance(absl::Seconds(1));
    EXPECT_TRUE(gate.InOutage("A", clock.Now())) << "a failed probe burns no attempt";
    Finish(probe, i < 39 ? Sign::kTrouble : Sign::kTaken);
  }
  EXPECT_EQ(Own() - begin, absl::Seconds(2));
  clock.Advance(absl::Seconds(3));
  EXPECT_EQ(Own() - begin, absl::Seconds(5));
}

TEST_F(EndpointGateTest, OwnTimeStandsStillWhileThePeerAskedToWait) {
  const absl::Duration begin = Own();
  Try(Sign::kTrouble, 503, "A", absl::Seconds(10));
  clock.Advance(absl::Seconds(4));
  EXPECT_EQ(Own() - begin, absl::ZeroDuration());
  EXPECT_TRUE(gate.InOutage("A", clock.Now()));
  clock.Advance(absl::Seconds(10));
  EXPECT_EQ(Own() - begin, absl::Seconds(4)) << "nobody looked when the wait was over";
  EXPECT_FALSE(gate.InOutage("A", clock.Now()));
}

TEST_F(EndpointGateTest, APausedEndpointWaitsAndStartsGently) {
  const absl::Duration begin = Own();
  gate.Pause("moving house", "alice", clock.Now());
  EXPECT_EQ(Ask(), Permit::kWait);
  EXPECT_EQ(gate.NextDue(clock.Now()), std::nullopt);
  const auto snapshot = gate.Snapshot(clock.Now());
  EXPECT_EQ(StateWord(snapshot.state), "paused");
  EXPECT_EQ(snapshot.reason, "moving house");
  EXPECT_EQ(snapshot.author, "alice");
  EXPECT_EQ(snapshot.since, clock.Now());
  clock.Advance(absl::Hours(5));
  EXPECT_EQ(Own(), begin);
  EXPECT_TRUE(gate.Resume(clock.Now()));
  EXPECT_EQ(gate.limit(), 1);
  EXPECT_EQ(Ask(), Permit::kGo);
  EXPECT_EQ(gate.Snapshot(clock.Now()).since, clock.Now());
}

TEST_F(EndpointGateTest, OnlyEnableIsTheWayBackFromDisabled) {
  gate.Disable("wrong tenant", "bob", clock.Now());
  EXPECT_EQ(Ask(), Permit::kDisabled);
  gate.Pause("", "", clock.Now());
  EXPECT_FALSE(gate.Resume(clock.Now()));
  EXPECT_EQ(Ask(), Permit::kDisabled);
  EXPECT_TRUE(gate.Enable(clock.Now()));
  EXPECT_EQ(Ask(), Permit::kGo);
  EXPECT_EQ(gate.limit(), 1);
  EXPECT_FALSE(gate.Enable(clock.Now()));
}

TEST_F(EndpointGateTest, AnEndpointThatIsGoneIsDisabledUntilItIsEnabledByHand) {
  const Pass late = Start();
  Try(Sign::kGone, 410);
  EXPECT_EQ(Ask(), Permit::kDisabled);
  EXPECT_EQ(gate.Snapshot(clock.Now()).reason, "answered 410");
  EXPECT_EQ(Alarms(EndpointAlarm::Kind::kGone), 1);
  gate.Enable(clock.Now());
  EXPECT_EQ(Alarms(EndpointAlarm::Kind::kGone), 0);
  Finish(late, Sign::kGone, 410);
  EXPECT_EQ(Ask(), Permit::kGo) << "that was before";
}

TEST_F(EndpointGateTest, ADecisionSurvivesARestart) {
  Try(Sign::kGone, 410);
  EndpointGate next(128, 2);
  next.Restore(gate.decision(), clock.Now());
  EXPECT_EQ(next.Ask("A", clock.Now()), Permit::kDisabled);
  EXPECT_EQ(next.Snapshot(clock.Now()).reason, "answered 410");
  ASSERT_EQ(next.Alarms().size(), 1u);
  EXPECT_EQ(next.Alarms()[0].kind, EndpointAlarm::Kind::kGone);
}

TEST_F(EndpointGateTest, ResumeBringsTheBreakersProbeForward) {
  Trip();
  ASSERT_EQ(Ask(), Permit::kWait);
  gate.Resume(clock.Now());
  EXPECT_EQ(Ask(), Permit::kProbe);
}

TEST_F(EndpointGateTest, ResumeWhileAProbeIsOutLeavesItTheLastWord) {
  Trip();
  Wait();
  const Pass probe = Start();
  gate.Resume(clock.Now());
  EXPECT_EQ(Ask(), Permit::kWait);
  Finish(probe, Sign::kTaken);
  EXPECT_EQ(StateNow(), State::kReady);
}

TEST_F(EndpointGateTest, TheBreakersAlarmIsRaisedOnceAndResolvedOnce) {
  const uint64_t before = gate.alarms_version();
  Trip();
  EXPECT_EQ(Alarms(EndpointAlarm::Kind::kBreakerOpen), 1);
  for (int i = 0; i < 3; ++i) {
    Wait();
    Try(Sign::kTrouble);
  }
  EXPECT_EQ(gate.alarms_version(), before + 1);
  Wait();
  Try(Sign::kTaken);
  EXPECT_EQ(gate.alarms_version(), before + 2);
  EXPECT_EQ(gate.Alarms().size(), 0u);
}

TEST_F(EndpointGateTest, OneEndpointsStateNeverTouchesAnothers) {
  EndpointGate other(128, 1);
  Trip();
  gate.Pause("", "", clock.Now());
  EXPECT_EQ(other.Ask("A", clock.Now()), Permit::kGo);
  EXPECT_EQ(other.Alarms().size(), 0u);
}

}  // namespace
}  // namespace tallybus
