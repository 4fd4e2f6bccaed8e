// What a 401 and a 404 hold, for how long, and whose time that is.
#include "delivery/endpoint_gate.h"
#include "tests/core/delivery/endpoint_gate_fixture.h"

namespace tallybus {
namespace {

using EndpointHoldsTest = EndpointGateFixture;

TEST_F(EndpointHoldsTest, AHeldEndpointIsProbedSlowlyAndOneAtATime) {
  Try(Sign::kHold, 401);
  EXPECT_EQ(StateNow(), State::kHeld);
  EXPECT_EQ(gate.Snapshot(clock.Now()).reason, "answered 401");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Ask("A"), Permit::kWait);
    EXPECT_EQ(Ask("B"), Permit::kWait);
    const absl::Duration wait = gate.NextDue(clock.Now()).value() - clock.Now();
    EXPECT_GE(wait, absl::Seconds(30));
    EXPECT_LE(wait, absl::Seconds(60));
    Wait();
    EXPECT_EQ(Ask("B"), Permit::kProbe);
    const Pass probe = Start("B");
    EXPECT_EQ(Ask("A"), Permit::kWait);
    Finish(probe, Sign::kHold, 401, "B");
  }
}

TEST_F(EndpointHoldsTest, AnyAnswerThatIsNoHoldReleasesIt) {
  struct Answer {
    Sign sign;
    int code;
    bool releases;
  };
  for (const Answer& answer :
       {Answer{Sign::kTaken, 200, true}, Answer{Sign::kAnswered, 400, true},
        Answer{Sign::kTrouble, 503, true}, Answer{Sign::kTrouble, 0, false},
        Answer{Sign::kNothing, 0, false}, Answer{Sign::kHoldMethod, 404, false}}) {
    gate.Resume(clock.Now());
    Try(Sign::kHold, 401);
    Wait();
    Try(answer.sign, answer.code);
    EXPECT_EQ(StateNow() == State::kReady, answer.releases) << answer.code;
  }
}

TEST_F(EndpointHoldsTest, AReleasedEndpointIsStartedGently) {
  ASSERT_EQ(gate.limit(), 8);
  Try(Sign::kHold, 401);
  Wait();
  EXPECT_EQ(gate.limit(), 8);
  Try(Sign::kAnswered, 400);
  EXPECT_EQ(gate.limit(), 1);
}

TEST_F(EndpointHoldsTest, WhatWentOutBeforeReleasesNothing) {
  const Pass before = Start();
  Try(Sign::kHold, 401);
  Finish(before, Sign::kTaken, 200);
  EXPECT_EQ(StateNow(), State::kHeld);
}

TEST_F(EndpointHoldsTest, AHeldEndpointThatStopsAnsweringIsProbedByBothRules) {
  Try(Sign::kHold, 401);
  for (int i = 0; i < 5; ++i) {
    Wait();
    EXPECT_EQ(Ask(), Permit::kProbe);
    Try(Sign::kTrouble);
  }
  EXPECT_EQ(Alarms(EndpointAlarm::Kind::kBreakerOpen), 1);
  Wait();
  EXPECT_EQ(Ask(), Permit::kProbe);
  Try(Sign::kTaken, 200);
  EXPECT_EQ(StateNow(), State::kReady);
  EXPECT_EQ(gate.Alarms().size(), 0u);
}

TEST_F(EndpointHoldsTest, AMethodsHoldStopsNoOtherMethod) {
  Try(Sign::kHoldMethod, 404, "DataStatusEvent");
  EXPECT_EQ(Ask("DataStatusEvent"), Permit::kMethodHeld);
  EXPECT_EQ(Ask("StreamStatusEvent"), Permit::kGo);
  EXPECT_EQ(StateNow(), State::kReady);
  const auto snapshot = gate.Snapshot(clock.Now());
  ASSERT_EQ(snapshot.held_methods.size(), 1u);
  EXPECT_EQ(snapshot.held_methods[0].method, "DataStatusEvent");
  EXPECT_EQ(snapshot.held_methods[0].code, 404);
}

TEST_F(EndpointHoldsTest, AMethodIsProbedByItsOwnEventsAlone) {
  Try(Sign::kHoldMethod, 404, "B");
  Wait();
  Try(Sign::kTaken, 200, "A");
  EXPECT_EQ(Ask("B"), Permit::kMethodProbe);
  const Pass probe = Start("B");
  EXPECT_EQ(Ask("B"), Permit::kMethodHeld) << "one at a time";
  EXPECT_EQ(Ask("A"), Permit::kGo);
  Finish(probe, Sign::kHoldMethod, 404, "B");
  EXPECT_EQ(Ask("B"), Permit::kMethodHeld);
  Wait();
  const int limit = gate.limit();
  Try(Sign::kAnswered, 400, "B");
  EXPECT_EQ(Ask("B"), Permit::kGo);
  EXPECT_GE(gate.limit(), limit) << "the endpoint never stopped";
}

TEST_F(EndpointHoldsTest, AMethodsProbeWaitsForAPlaceAsAllDo) {
  Try(Sign::kHoldMethod, 404, "B");
  Wait();
  while (Ask("A") == Permit::kGo) Start("A");
  EXPECT_EQ(Ask("B"), Permit::kWait);
}

TEST_F(EndpointHoldsTest, AMethodsProbeThatAnOutageCutShortIsFollowedByAnother) {
  Try(Sign::kHoldMethod, 404, "B");
  Wait();
  const Pass lost = Start("B");
  Trip();
  while (Ask("A") != Permit::kProbe) Wait();
  Try(Sign::kTaken, 200, "A");
  Finish(lost, Sign::kTrouble, 0, "B");
  EXPECT_EQ(Ask("B"), Permit::kMethodHeld);
  Wait();
  EXPECT_EQ(Ask("B"), Permit::kMethodProbe);
}

TEST_F(EndpointHoldsTest, OwnTimeStandsStillWhileTheEndpointIsHeld) {
  const absl::Duration begin = Own();
  Try(Sign::kHold, 401);
  clock.Advance(absl::Hours(30));
  EXPECT_EQ(Own(), begin);
  EXPECT_TRUE(gate.InOutage("A", clock.Now()));
  Try(Sign::kTaken, 200);
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(Own() - begin, absl::Seconds(1));
}

TEST_F(EndpointHoldsTest, OwnTimeOfAHeldMethodStandsStillAlone) {
  const absl::Duration a = Own("A");
  const absl::Duration b = Own("B");
  Try(Sign::kHoldMethod, 404, "B");
  clock.Advance(absl::Minutes(20));
  EXPECT_EQ(Own("A") - a, absl::Minutes(20));
  EXPECT_EQ(Own("B"), b);
  EXPECT_TRUE(gate.InOutage("B", clock.Now()));
  EXPECT_FALSE(gate.InOutage("A", clock.Now()));
  gate.Pause("", "", clock.Now());
  clock.Advance(absl::Minutes(20));
  EXPECT_EQ(Own("B"), b) << "a time that stands still for two reasons loses it once";
  gate.Resume(clock.Now());
  clock.Advance(absl::Minutes(1));
  EXPECT_EQ(Own("A") - a, absl::Minutes(21));
  EXPECT_EQ(Own("B") - b, absl::Minutes(1));
}

TEST_F(EndpointHoldsTest, SoManyHeldMethodsHoldTheEndpoint) {
  for (size_t i = 0; i < MethodHolds::kMax; ++i) {
    Try(Sign::kHoldMethod, 404, "M" + std::to_string(i));
  }
  EXPECT_EQ(StateNow(), State::kReady);
  Try(Sign::kHoldMethod, 404, "Another");
  EXPECT_EQ(StateNow(), State::kHeld);
}

TEST_F(EndpointHoldsTest, ResumeEndsEveryHold) {
  Try(Sign::kHoldMethod, 404, "B");
  Try(Sign::kHold, 401);
  gate.Resume(clock.Now());
  EXPECT_EQ(Ask("A"), Permit::kGo);
  EXPECT_EQ(Ask("B"), Permit::kGo);
  EXPECT_EQ(gate.Alarms().size(), 0u);
}

TEST_F(EndpointHoldsTest, EachHoldIsAnAlarmUntilItsRelease) {
  const uint64_t before = gate.alarms_version();
  Try(Sign::kHoldMethod, 403, "B");
  EXPECT_EQ(Alarms(EndpointAlarm::Kind::kMethodHeld), 1);
  Try(Sign::kHold, 407);
  EXPECT_EQ(Alarms(EndpointAlarm::Kind::kHeld), 1);
  EXPECT_EQ(gate.alarms_version(), before + 2);
  Wait();
  while (Ask("A") != Permit::kProbe) Wait();
  Try(Sign::kTaken, 200, "A");
  EXPECT_EQ(Alarms(EndpointAlarm::Kind::kHeld), 0);
  EXPECT_EQ(Alarms(EndpointAlarm::Kind::kMethodHeld), 1);
  EXPECT_EQ(gate.alarms_version(), before + 3);
}

}  // namespace
}  // namespace tallybus
