// Several endpoints of one route: who gets an attempt, and what one's trouble is to the others.
#include "delivery/route_gate.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/manual_clock.h"

namespace tallybus {
namespace {

using Sign = EndpointSign::Kind;
using State = EndpointSnapshot::State;

class RouteGateTest : public ::testing::Test {
 protected:
  static Route RouteOf(std::vector<std::string> urls, Pick pick = Pick::kFirstHealthy) {
    Route route;
    route.name = "billing";
    route.pick = pick;
    route.endpoint.url = urls.front();
    for (size_t i = 1; i < urls.size(); ++i) {
      route.alternatives.push_back(route.endpoint);
      route.alternatives.back().url = urls[i];
    }
    return route;
  }
  void Set(std::vector<std::string> urls, Pick pick = Pick::kFirstHealthy) {
    gate.SetEndpoints(RouteOf(std::move(urls), pick), clock.Now());
  }
  Permit Ask(uint32_t avoid = 0) const { return gate.Ask("A", clock.Now(), avoid); }
  RoutePass Start(uint32_t avoid = 0) { return gate.Start(Ask(avoid), "A", clock.Now(), avoid); }
  // One attempt, there and back; where it went.
  size_t Try(Sign sign, uint32_t avoid = 0) {
    const RoutePass pass = Start(avoid);
    gate.Finish(pass, "A", {.kind = sign}, clock.Now());
    return pass.endpoint;
  }
  void Trip(size_t place) {
    for (int i = 0; i < 5; ++i) {
      EndpointGate& one = gate[place];
      one.Finish(one.Start(Permit::kGo, "A", clock.Now()), "A", {.kind = Sign::kTrouble},
                 clock.Now());
    }
    ASSERT_EQ(StateAt(place), State::kBreakerOpen);
  }
  State StateAt(size_t place) const { return gate[place].Snapshot(clock.Now()).state; }

  testing::ManualClock clock;
  RouteGate gate{128, 1};
};

TEST_F(RouteGateTest, TheFirstThatIsWellGetsAll) {
  Set({"a", "b", "c"});
  EXPECT_EQ(Try(Sign::kTaken), 0u);
  EXPECT_EQ(Try(Sign::kTaken), 0u);
  Trip(0);
  EXPECT_EQ(Try(Sign::kTaken), 1u);
  Trip(1);
  EXPECT_EQ(Try(Sign::kTaken), 2u);
}

TEST_F(RouteGateTest, ABusyFirstOneIsWaitedFor) {
  Set({"a", "b"});
  std::vector<RoutePass> passes;
  while (Ask() == Permit::kGo) passes.push_back(Start());
  EXPECT_EQ(passes.size(), 8u);
  for (const RoutePass& pass : passes) EXPECT_EQ(pass.endpoint, 0u);
  EXPECT_EQ(gate[1].in_flight(), 0);
}

TEST_F(RouteGateTest, ThoseThatAreWellTakeTurns) {
  Set({"a", "b", "c"}, Pick::kRoundRobin);
  std::vector<size_t> places;
  for (int i = 0; i < 6; ++i) places.push_back(Try(Sign::kTaken));
  EXPECT_EQ(places, (std::vector<size_t>{0, 1, 2, 0, 1, 2}));
  Trip(1);
  places.clear();
  for (int i = 0; i < 4; ++i) places.push_back(Try(Sign::kTaken));
  EXPECT_EQ(places, (std::vector<size_t>{0, 2, 0, 2}));
}

TEST_F(RouteGateTest, AProbeFindsOutThatTheFirstIsBack) {
  Set({"a", "b"});
  Trip(0);
  clock.AdvanceTo(gate.NextDue(clock.Now()).value());
  EXPECT_EQ(Ask(), Permit::kProbe);
  const RoutePass probe = Start();
  EXPECT_EQ(probe.endpoint, 0u);
  EXPECT_EQ(Try(Sign::kTaken), 1u) << "while it is out the others go on";
  gate.Finish(probe, "A", {.kind = Sign::kTaken}, clock.Now());
  EXPECT_EQ(Try(Sign::kTaken), 0u);
}

TEST_F(RouteGateTest, WhatFailedAtOneGoesToAnother) {
  Set({"a", "b"});
  const RoutePass failed = Start();
  gate.Finish(failed, "A", {.kind = Sign::kTrouble}, clock.Now());
  EXPECT_EQ(Try(Sign::kTaken, failed.gate), 1u);
  EXPECT_EQ(Try(Sign::kTaken), 0u) << "others do not avoid it";
  Trip(1);
  EXPECT_EQ(Try(Sign::kTaken, failed.gate), 0u) << "rather there than nowhere";
}

TEST_F(RouteGateTest, OnesTroubleIsNoneOfTheOthers) {
  Set({"a", "b"});
  Trip(0);
  EXPECT_EQ(StateAt(1), State::kReady);
  EXPECT_EQ(gate[1].Alarms().size(), 0u);
  EXPECT_FALSE(gate.InOutage("A", clock.Now()));
  Trip(1);
  EXPECT_TRUE(gate.InOutage("A", clock.Now()));
  EXPECT_EQ(Ask(), Permit::kWait);
}

TEST_F(RouteGateTest, TimeRunsAtTheShareOfThoseThatAreWell) {
  Set({"a", "b"});
  const absl::Duration begin = gate.OwnTime("A", clock.Now());
  clock.Advance(absl::Seconds(10));
  EXPECT_EQ(gate.OwnTime("A", clock.Now()) - begin, absl::Seconds(10));
  gate[0].Pause("", "", clock.Now());
  clock.Advance(absl::Seconds(10));
  EXPECT_EQ(gate.OwnTime("A", clock.Now()) - begin, absl::Seconds(15));
  gate[1].Pause("", "", clock.Now());
  clock.Advance(absl::Seconds(10));
  EXPECT_EQ(gate.OwnTime("A", clock.Now()) - begin, absl::Seconds(15));
}

TEST_F(RouteGateTest, AReloadKeepsAGateWithItsUrlAndSetsNoClockBack) {
  Set({"a", "b"});
  clock.Advance(absl::Seconds(60));
  Trip(1);
  const absl::Duration own = gate.OwnTime("A", clock.Now());
  const uint64_t alarms = gate.alarms_version();
  Set({"b", "c", "a"});
  EXPECT_EQ(StateAt(0), State::kBreakerOpen);
  EXPECT_EQ(StateAt(1), State::kReady);
  EXPECT_EQ(gate.OwnTime("A", clock.Now()), own);
  Set({"a", "c"});
  EXPECT_EQ(StateAt(0), State::kReady);
  EXPECT_GT(gate.alarms_version(), alarms) << "what was wrong with b is not any more";
}

TEST_F(RouteGateTest, ALoneGateStaysWithItsRoute) {
  Set({"a"});
  Trip(0);
  Set({"b"});
  EXPECT_EQ(StateAt(0), State::kBreakerOpen);
}

TEST_F(RouteGateTest, TheEndOfAnAttemptAtOneThatIsGoneTouchesNobody) {
  Set({"a", "b"});
  const RoutePass pass = Start();
  Set({"c", "d"});
  gate.Finish(pass, "A", {.kind = Sign::kTrouble}, clock.Now());
  EXPECT_EQ(gate[0].in_flight(), 0);
  EXPECT_EQ(gate[1].in_flight(), 0);
}

TEST_F(RouteGateTest, WhatWasDecidedBeforeARestartIsOfItsUrlWhereverThatIsNow) {
  Set({"a", "b"});
  const std::string key = gate.KeyOf("billing", 1);
  for (const std::vector<std::string>& urls :
       std::vector<std::vector<std::string>>{{"b", "a"}, {"b"}, {"c", "a", "b"}}) {
    RouteGate next(128, 1);
    next.Restore(key, {.state = EndpointDecision::State::kDisabled}, clock.Now());
    next.SetEndpoints(RouteOf(urls), clock.Now());
    for (size_t i = 0; i < urls.size(); ++i) {
      EXPECT_EQ(next[i].Snapshot(clock.Now()).state,
                urls[i] == "b" ? State::kDisabled : State::kReady);
    }
  }
  RouteGate without(128, 1);
  without.Restore(key, {.state = EndpointDecision::State::kDisabled}, clock.Now());
  without.SetEndpoints(RouteOf({"a"}), clock.Now());
  EXPECT_EQ(without.decided(), EndpointDecision::State::kOpen);
}

TEST_F(RouteGateTest, AReloadSaysWhetherKeysChanged) {
  EXPECT_FALSE(gate.SetEndpoints(RouteOf({"a"}), clock.Now()));
  EXPECT_FALSE(gate.SetEndpoints(RouteOf({"c"}), clock.Now())) << "a lone one keeps its route's";
  EXPECT_TRUE(gate.SetEndpoints(RouteOf({"c", "b"}), clock.Now()));
  EXPECT_FALSE(gate.SetEndpoints(RouteOf({"c", "b"}), clock.Now()));
  EXPECT_TRUE(gate.SetEndpoints(RouteOf({"b", "c"}), clock.Now()));
  EXPECT_TRUE(gate.SetEndpoints(RouteOf({"c"}), clock.Now()));
}

TEST_F(RouteGateTest, OnlyWhereAllAreDisabledIsTheRoute) {
  Set({"a", "b"});
  gate[0].Disable("", "", clock.Now());
  EXPECT_EQ(Try(Sign::kTaken), 1u);
  gate[1].Disable("", "", clock.Now());
  EXPECT_EQ(Ask(), Permit::kDisabled);
  EXPECT_EQ(gate.decided(), EndpointDecision::State::kDisabled);
}

TEST_F(RouteGateTest, AMethodThatOneHoldsGoesToTheOther) {
  Set({"a", "b"});
  const RoutePass pass = Start();
  gate.Finish(pass, "A", {.kind = Sign::kHoldMethod, .code = 404}, clock.Now());
  EXPECT_EQ(Start().endpoint, 1u);
  gate[1].Pause("", "", clock.Now());
  EXPECT_EQ(Ask(), Permit::kMethodHeld) << "another method may go to the first";
  EXPECT_EQ(gate.Ask("B", clock.Now()), Permit::kGo);
}

TEST_F(RouteGateTest, NamesAreOfTheRouteWhereThereIsOneEndpoint) {
  EXPECT_EQ(gate.NameOf("billing", 0), "billing");
  Set({"a", "b"});
  EXPECT_EQ(gate.NameOf("billing", 1), "billing#2");
  using Name = std::pair<std::string_view, std::optional<size_t>>;
  EXPECT_EQ(SplitEndpointName("billing#2"), Name("billing", 1));
  for (const char* whole : {"billing", "billing#", "billing#0", "billing#x", "billing#-1"}) {
    EXPECT_EQ(SplitEndpointName(whole), Name(whole, std::nullopt));
  }
}

}  // namespace
}  // namespace tallybus
