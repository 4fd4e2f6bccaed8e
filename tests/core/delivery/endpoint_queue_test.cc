// One endpoint's lanes in turn: what is loaded, what may start, and what steps aside.
#include "delivery/endpoint_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/event_builder.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_transport.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Sign = EndpointSign::Kind;

class EndpointQueueTest : public ::testing::Test {
 protected:
  EndpointQueueTest() {
    route->transport = &transport;
    queue.SetRoute(route, MonoTime());
  }

  Lane& NewLane(const std::string& key, const std::string& method = "A") {
    Lane& lane = lanes.Get(queue, key);
    auto event = std::make_shared<Event>();
    event->method = method;
    auto row = std::make_shared<SpoolRow>();
    row->event = std::move(event);
    bodies[&lane] = std::move(row);
    queue.AddReady(lane);
    return lane;
  }
  void NewLanes(int count) {
    for (int i = 0; i < count; ++i) NewLane(std::to_string(i));
  }
  // Loads what is wanted; the keys, in order.
  std::vector<std::string> Load() {
    std::vector<std::string> keys;
    while (Lane* lane = queue.NextToLoad(clock.Now())) {
      EXPECT_EQ(lane->state, Lane::State::kLoading);
      keys.push_back(lane->key);
      lane->body = bodies[lane];
      queue.AddLoaded(*lane);
    }
    return keys;
  }
  // Starts what may start.
  std::vector<std::string> Start() {
    std::vector<std::string> keys;
    queue.ReleaseHeld(clock.Now());
    for (auto next = queue.NextToStart(clock.Now()); next.lane != nullptr;
         next = queue.NextToStart(clock.Now())) {
      Lane& lane = *next.lane;
      passes.push_back(queue.gate.Start(next.permit, lane.body->event->method, clock.Now()));
      lane.state = Lane::State::kInFlight;
      keys.push_back(lane.key + (next.ahead ? " ahead" : ""));
    }
    return keys;
  }
  void Finish(Sign kind, const std::string& method = "A") {
    queue.gate.Finish(passes.back(), method, {.kind = kind, .code = 0}, clock.Now());
    passes.pop_back();
  }
  void Trip() {
    for (int i = 0; i < 5; ++i) {
      passes.push_back(queue.gate.Start(Permit::kGo, "A", clock.Now()));
      Finish(Sign::kTrouble);
    }
  }

  testing::ManualClock clock;
  testing::ScriptedTransport transport;
  Metrics metrics;
  EndpointQueue queue{"a/backend", 1, metrics};
  LaneTable lanes;
  std::shared_ptr<Route> route = std::make_shared<Route>();
  std::map<Lane*, SpoolRowPtr> bodies;
  std::vector<RoutePass> passes;
};

TEST_F(EndpointQueueTest, LanesTakeTurnsInTheOrderInWhichTheyCame) {
  for (const char* key : {"x", "y", "z"}) NewLane(key);
  EXPECT_THAT(Load(), ElementsAre("x", "y", "z"));
  EXPECT_THAT(Start(), ElementsAre("x", "y", "z"));
}

TEST_F(EndpointQueueTest, ABeginningEndpointHasEightInFlight) {
  NewLanes(100);
  EXPECT_THAT(Load(), SizeIs(24)) << "and sixteen more in hand";
  EXPECT_THAT(Start(), SizeIs(8));
  EXPECT_THAT(Load(), IsEmpty());
}

TEST_F(EndpointQueueTest, ItsRouteSaysHowManyConnectionsThereAre) {
  route->endpoint.max_connections = 2;
  queue.SetRoute(route, MonoTime());
  NewLanes(10);
  Load();
  EXPECT_THAT(Start(), SizeIs(2));
}

TEST_F(EndpointQueueTest, FewWaitAheadForAConnectionOfANearEndpointThatIsWell) {
  transport.SetMostAhead(2);
  route->endpoint.max_connections = 1;
  queue.SetRoute(route, MonoTime());
  const auto start = [this](const std::string& key) {
    NewLane(key);
    Load();
    return Start();
  };
  for (int i = 0; i < 50; ++i) {
    ASSERT_THAT(start("warm"), ElementsAre("warm")) << "and none ahead before a hundred successes";
    ASSERT_THAT(start("early"), IsEmpty());
    clock.Advance(absl::Milliseconds(1));
    Finish(Sign::kTaken);
    ASSERT_THAT(Start(), ElementsAre("early"));
    Finish(Sign::kTaken);
  }
  EXPECT_THAT(start("x"), ElementsAre("x"));
  NewLanes(4);
  Load();
  EXPECT_THAT(Start(), ElementsAre("0 ahead", "1 ahead"));
  Finish(Sign::kTrouble);
  EXPECT_THAT(Start(), IsEmpty()) << "not behind a failure";
}

TEST_F(EndpointQueueTest, WithoutARouteNothingIsLoadedOrStarted) {
  NewLanes(3);
  queue.SetRoute(nullptr, MonoTime());
  EXPECT_THAT(Load(), IsEmpty());
  queue.SetRoute(route, MonoTime());
  EXPECT_THAT(Load(), SizeIs(3));
  queue.SetRoute(nullptr, MonoTime());
  EXPECT_THAT(Start(), IsEmpty());
  for (const Lane& lane : lanes.busy()) EXPECT_EQ(lane.body, nullptr) << "it stays in the spool";
  queue.SetRoute(route, MonoTime());
  EXPECT_THAT(Load(), ElementsAre("0", "1", "2")) << "in their order";
}

TEST_F(EndpointQueueTest, ANewHeadGoesFirstOnlyWhereNothingWaits) {
  EXPECT_TRUE(queue.TakesNewHead(clock.Now()));
  NewLane("x");
  EXPECT_FALSE(queue.TakesNewHead(clock.Now()));
}

TEST_F(EndpointQueueTest, InAnOutageNothingIsLoadedAndWhatIsLoadedGoesBack) {
  NewLanes(5);
  Load();
  Trip();
  EXPECT_THAT(Start(), IsEmpty());
  EXPECT_THAT(Load(), IsEmpty());
  for (const Lane& lane : lanes.busy()) {
    EXPECT_EQ(lane.body, nullptr);
    EXPECT_EQ(lane.state, Lane::State::kReady);
  }
}

TEST_F(EndpointQueueTest, OneProbeAtATimeAndAnotherLaneEachTime) {
  NewLanes(3);
  Trip();
  for (const char* key : {"0", "1", "2"}) {
    clock.AdvanceTo(queue.gate.NextDue(clock.Now()).value());
    EXPECT_THAT(Load(), ElementsAre(key));
    EXPECT_THAT(Start(), ElementsAre(key));
    EXPECT_THAT(Load(), IsEmpty());
    Finish(Sign::kTrouble);
    queue.AddReady(*lanes.Find(queue, key));
  }
}

TEST_F(EndpointQueueTest, AHeldMethodsLanesStepAsideForTheOthers) {
  NewLane("first", "Held");
  Load();
  Start();
  Finish(Sign::kHoldMethod, "Held");
  for (int i = 0; i < 40; ++i) NewLane("held " + std::to_string(i), "Held");
  NewLane("free", "Free");
  std::vector<std::string> started;
  for (int turns = 0; turns < 10; ++turns) {
    Load();
    for (std::string& key : Start()) started.push_back(std::move(key));
  }
  EXPECT_THAT(started, ElementsAre("free"));
}

TEST_F(EndpointQueueTest, AHeldMethodSendsOneLaneToAskAndFollowsWhereItIsTaken) {
  NewLane("first", "Held");
  Load();
  Start();
  Finish(Sign::kHoldMethod, "Held");
  for (const char* key : {"x", "y", "z"}) NewLane(key, "Held");
  Load();
  ASSERT_THAT(Start(), IsEmpty());
  clock.AdvanceTo(queue.gate.NextDue(clock.Now()).value());
  EXPECT_THAT(Start(), IsEmpty()) << "it must be loaded first";
  EXPECT_THAT(Load(), ElementsAre("x"));
  EXPECT_THAT(Start(), ElementsAre("x"));
  EXPECT_THAT(Load(), IsEmpty());
  Finish(Sign::kTaken, "Held");
  queue.ReleaseHeld(clock.Now());
  EXPECT_THAT(Load(), SizeIs(2));
  EXPECT_THAT(Start(), SizeIs(2));
}

TEST_F(EndpointQueueTest, ADisabledEndpointLetsItsLanesThroughToBeBuried) {
  queue.gate[0].Disable("moved", "ann", clock.Now());
  NewLanes(100);
  EXPECT_THAT(Load(), SizeIs(64));
  const EndpointQueue::Start next = queue.NextToStart(clock.Now());
  ASSERT_NE(next.lane, nullptr);
  EXPECT_EQ(next.permit, Permit::kDisabled);
}

TEST_F(EndpointQueueTest, ADamagedBodyComesThroughToBeBuried) {
  Lane& lane = NewLane("x");
  bodies[&lane] = std::make_shared<SpoolRow>();
  Load();
  EXPECT_EQ(queue.NextToStart(clock.Now()).lane, &lane);
}

TEST_F(EndpointQueueTest, DoomedHeadsComeThroughAnEndpointThatTakesNothing) {
  queue.gate[0].Pause("moving", "ann", clock.Now());
  NewLane("young");
  Lane& old = NewLane("old");
  EXPECT_THAT(Load(), IsEmpty());
  old.doomed = true;
  queue.PutDoomedFirst();
  EXPECT_THAT(Load(), ElementsAre("old"));
  EXPECT_EQ(queue.NextToStart(clock.Now()).lane, &old);
  EXPECT_EQ(queue.NextToStart(clock.Now()).lane, nullptr);
}

TEST_F(EndpointQueueTest, DoomedHeadsOfAHeldMethodComeThroughBeforeItIsAskedAgain) {
  NewLane("first", "Held");
  Lane& old = NewLane("old", "Held");
  NewLane("young", "Held");
  Load();
  Start();
  Finish(Sign::kHoldMethod, "Held");
  while (!passes.empty()) Finish(Sign::kNothing, "Held");
  queue.AddReady(old);
  Load();
  EXPECT_THAT(Start(), IsEmpty()) << "it stepped aside";
  old.doomed = true;
  queue.PutDoomedFirst();
  EXPECT_THAT(Load(), ElementsAre("old"));
  EXPECT_EQ(queue.NextToStart(clock.Now()).lane, &old);
}

}  // namespace
}  // namespace tallybus
