// The one sentence that an operator reads, for each way that an event can go.
#include <absl/time/civil_time.h>
#include <gtest/gtest.h>

#include "tallybus/trace.h"

namespace tallybus {
namespace {

constexpr char kRoute[] = "defaultApp/backend";

class ClosingSentenceTest : public ::testing::Test {
 protected:
  absl::Time At(int hour, int minute, int second, int ms = 0) const {
    return absl::FromCivil(absl::CivilSecond(2026, 1, 31, hour, minute, second), zone_) +
           absl::Milliseconds(ms);
  }
  // An event that was accepted at 03:02:00, with one way that is spooled.
  TracedRoute& Add(const std::string& route = kRoute) {
    TracedEvent& event = trace_.events.emplace_back();
    event.id = {0xab, trace_.events.size()};
    event.method = kStreamStatusEvent;
    event.app_key = "defaultApp";
    event.accepted = At(3, 2, 0);
    return AddWay(route);
  }
  // Of the newest event.
  TracedRoute& AddWay(const std::string& route) {
    TracedRoute& way = trace_.events.back().routes.emplace_back();
    way.route = route;
    way.row = trace_.events.size();
    way.lane = 1;
    way.lane_sequence = trace_.events.size();
    way.begun = At(3, 2, 0);
    return way;
  }
  static void Attempt(TracedRoute& way, int number, absl::Time begun) {
    way.last = TracedAttempt{.number = number, .begun = begun, .info = {}};
    if (way.first.number == 0) way.first = way.last;
  }
  static void Fail(TracedRoute& way, int status, const std::string& info) {
    way.last.failed = way.last.begun + absl::Milliseconds(3);
    way.last.http_status = status;
    way.last.info = info;
  }
  static void Settle(TracedRoute& way, Fate fate, absl::Time at) {
    way.fate = fate;
    way.settled = at;
  }
  void Delivered(absl::Time at) {
    TracedRoute& way = Add();
    Attempt(way, 1, at - absl::Milliseconds(2));
    Settle(way, Fate::kDelivered, at);
  }
  void Change(absl::Time at, EndpointState state, const std::string& reason = "",
              const std::string& route = kRoute) {
    trace_.endpoints.push_back({at, route, state, reason});
  }
  std::string Sentence() const { return ClosingSentence(trace_, now_, zone_); }

  absl::TimeZone zone_ = absl::FixedTimeZone(3600);
  absl::Time now_ = At(4, 0, 0);
  Trace trace_;
};

TEST_F(ClosingSentenceTest, SaysWhatItDoesNotKnow) {
  EXPECT_EQ(Sentence(),
            "Not known here: this process has seen nothing of it (it keeps the last 65,536 "
            "events), and no row of the spool that waits or is dead is of it (what is retained is "
            "found by its id).");
  EXPECT_EQ(kTracedEvents, 65'536u);
}

TEST_F(ClosingSentenceTest, DeliveredAtTheFirstAttempt) {
  Delivered(At(3, 2, 0, 12));
  EXPECT_EQ(Sentence(), "Delivered at the first attempt after 12 ms.");
}

TEST_F(ClosingSentenceTest, DeliveredAtALaterAttempt) {
  TracedRoute& way = Add();
  Attempt(way, 3, At(3, 2, 4));
  Settle(way, Fate::kDelivered, At(3, 2, 4, 250));
  EXPECT_EQ(Sentence(), "Delivered at the 3rd attempt after 4.2 s.");
}

TEST_F(ClosingSentenceTest, DeliveredAfterARestartHasNoDuration) {
  TracedRoute& way = Add();
  way.resumed = true;
  Attempt(way, 7, At(3, 2, 4));
  Settle(way, Fate::kDelivered, At(3, 2, 5));
  EXPECT_EQ(Sentence(),
            "Delivered at the 7th attempt; what came before this process took it up is not known.");
}

TEST_F(ClosingSentenceTest, BothDeliveredInOrderAfterAnOutage) {
  Delivered(At(3, 41, 2));
  Delivered(At(3, 41, 3));
  Change(At(3, 2, 9), EndpointState::kBreakerOpen, "connection refused");
  Change(At(3, 41, 1), EndpointState::kOpenForBusiness);
  EXPECT_EQ(Sentence(),
            "Both delivered, in order. The endpoint was down from 03:02:09 to 03:41:01.");
}

TEST_F(ClosingSentenceTest, NamesEachKindOfOutageAndTheirNumber) {
  Delivered(At(3, 50, 0));
  Change(At(3, 2, 9), EndpointState::kPaused);
  Change(At(3, 41, 1), EndpointState::kOpenForBusiness);
  EXPECT_EQ(Sentence(),
            "Delivered at the first attempt after 48 min 0 s. The endpoint was paused from "
            "03:02:09 to 03:41:01.");
  Change(At(3, 42, 0), EndpointState::kPaused);
  Change(At(3, 43, 0), EndpointState::kOpenForBusiness);
  EXPECT_EQ(Sentence(),
            "Delivered at the first attempt after 48 min 0 s. The endpoint was paused 2 times "
            "between 03:02:09 and 03:43:00.");
  Change(At(3, 44, 0), EndpointState::kHeld);
  Change(At(3, 45, 0), EndpointState::kOpenForBusiness);
  EXPECT_EQ(Sentence(),
            "Delivered at the first attempt after 48 min 0 s. The endpoint was not open 3 times "
            "between 03:02:09 and 03:45:00.");
}

TEST_F(ClosingSentenceTest, AnOutageOfAnotherRouteIsNotThisOnes) {
  Delivered(At(3, 2, 1));
  Change(At(3, 2, 0), EndpointState::kBreakerOpen, "", "audit");
  Change(At(3, 2, 1), EndpointState::kOpenForBusiness, "", "audit");
  EXPECT_EQ(Sentence(), "Delivered at the first attempt after 1.0 s.");
}

TEST_F(ClosingSentenceTest, StillWaitingForEachReason) {
  TracedRoute& way = Add();
  EXPECT_EQ(Sentence(),
            "Still waiting for its first attempt to defaultApp/backend since 03:02:00.");
  Attempt(way, 1, At(3, 59, 58));
  EXPECT_EQ(Sentence(),
            "In flight: attempt 1 to defaultApp/backend began 2.0 s ago and is not answered yet.");
  Fail(way, 503, "Service Unavailable");
  EXPECT_EQ(Sentence(),
            "Still waiting after 1 attempt to defaultApp/backend (503 Service Unavailable).");
  Attempt(way, 4, At(3, 59, 58));
  Fail(way, 0, "timed out");
  way.next_attempt = now_ + absl::Milliseconds(2100);
  trace_.routes.push_back({.route = kRoute, .held_methods = {}});
  RouteNow& route = trace_.routes[0];
  EXPECT_EQ(Sentence(),
            "Still waiting after 4 attempts to defaultApp/backend (timed out); next attempt in "
            "2.1 s.");
  route.next_try = now_ + absl::Seconds(25);  // it asked to be left alone
  EXPECT_EQ(Sentence(),
            "Still waiting after 4 attempts to defaultApp/backend (timed out); next attempt in "
            "25.0 s.");
  Change(At(3, 2, 9), EndpointState::kBreakerOpen, "connection refused");
  EXPECT_EQ(Sentence(),
            "Still waiting: defaultApp/backend has been down since 03:02:09 (connection refused); "
            "next attempt in 25.0 s.");
  route.next_try = absl::InfinitePast();
  EXPECT_EQ(Sentence(),
            "Still waiting: defaultApp/backend has been down since 03:02:09 (connection refused).");
  trace_.endpoints.clear();
  route.held_methods.push_back(
      {std::string(kStreamStatusEvent), 404, At(3, 30, 0), now_ + absl::Seconds(30), "answer 404"});
  EXPECT_EQ(Sentence(),
            "Still waiting: defaultApp/backend has not taken StreamStatusEvent since 03:30:00 "
            "(answer 404); next attempt in 30.0 s.");
}

TEST_F(ClosingSentenceTest, StillWaitingForEachStateOfTheEndpoint) {
  Add();
  const std::pair<EndpointState, const char*> states[] = {{EndpointState::kBreakerOpen, "down"},
                                                          {EndpointState::kHeld, "held"},
                                                          {EndpointState::kPaused, "paused"},
                                                          {EndpointState::kDisabled, "disabled"}};
  for (const auto& [state, word] : states) {
    trace_.endpoints.clear();
    Change(At(3, 2, 9) - absl::Hours(24), state);
    EXPECT_EQ(Sentence(), std::string("Still waiting: defaultApp/backend has been ") + word +
                              " since 2026-01-30 03:02:09.");
  }
}

TEST_F(ClosingSentenceTest, AnAttemptThatIsDueHasNoNextOne) {
  TracedRoute& way = Add();
  Attempt(way, 1, At(3, 59, 58));
  Fail(way, 0, "timed out");
  way.next_attempt = now_;
  EXPECT_EQ(Sentence(), "Still waiting after 1 attempt to defaultApp/backend (timed out).");
}

TEST_F(ClosingSentenceTest, NeverSent) {
  Add().not_sent = NotSentReason::kRestPolicyDisable;
  EXPECT_EQ(Sentence(), "Never sent: restPolicy DISABLE for StreamStatusEvent.");
  Add().not_sent = NotSentReason::kRestPolicyDisable;
  EXPECT_EQ(Sentence(), "Both never sent: restPolicy DISABLE for StreamStatusEvent.");
  Delivered(At(3, 2, 1));
  EXPECT_EQ(Sentence(),
            "1 of 3 delivered; 2 never sent: restPolicy DISABLE for StreamStatusEvent.");
}

TEST_F(ClosingSentenceTest, DeadLettersNameTheCommandThatRetriesThem) {
  TracedRoute& way = Add();
  Attempt(way, 9, At(3, 17, 0));
  Fail(way, 0, "connection refused");
  Settle(way, Fate::kGivenUp, At(3, 17, 0));
  EXPECT_EQ(Sentence(),
            "Given up after 9 attempts (connection refused); it is a dead letter: tallybus spool "
            "retry --id 00000000000000ab-1.");
  Settle(way, Fate::kRejected, At(3, 17, 0));
  Fail(way, 422, "Unprocessable Entity");
  EXPECT_EQ(Sentence(),
            "Rejected by defaultApp/backend (422 Unprocessable Entity); it is a dead letter: "
            "tallybus spool retry --id 00000000000000ab-1.");
}

TEST_F(ClosingSentenceTest, EveryOtherEnd) {
  TracedRoute& way = Add();
  Attempt(way, 1, At(3, 2, 0));
  Fail(way, 500, "Internal Server Error");
  Settle(way, Fate::kFailedAnswer, At(3, 2, 0, 40));
  EXPECT_EQ(Sentence(),
            "Arrived at the first attempt after 40 ms, and defaultApp/backend answered with a "
            "failure (500 Internal Server Error), which settles an event of this route.");
  Fail(way, 410, "Gone");
  way.fate = Fate::kGone;
  EXPECT_EQ(Sentence(),
            "Not delivered: defaultApp/backend was disabled (410 Gone); it is a dead letter. Once "
            "the endpoint takes events again (tallybus endpoint enable defaultApp/backend): "
            "tallybus spool retry --id 00000000000000ab-1.");
  way.fate = Fate::kShed;
  EXPECT_EQ(Sentence(), "Shed: defaultApp/backend was over its share of the spool.");
  way.fate = Fate::kCoalesced;
  EXPECT_EQ(Sentence(), "Coalesced: a newer event of the same status went in its place.");
  way.fate = Fate::kDropped;
  EXPECT_EQ(Sentence(), "Dropped by hand before it was delivered.");
}

TEST_F(ClosingSentenceTest, AReplayedRowGivesWayToItsSuccessor) {
  Settle(Add(), Fate::kGivenUp, At(3, 9, 0));
  TracedRoute& newer = AddWay(kRoute);
  Attempt(newer, 1, At(3, 10, 0));
  Settle(newer, Fate::kDelivered, At(3, 10, 0));
  EXPECT_EQ(Sentence(), "Delivered at the first attempt after 8 min 0 s.");
  newer.replayed = true;
  newer.begun = At(3, 9, 58);
  EXPECT_EQ(Sentence(),
            "Delivered at the first attempt after 2.0 s, having been sent again by hand at "
            "03:09:58.");
}

TEST_F(ClosingSentenceTest, SeveralOfALaneThatArrivedOutOfOrder) {
  Delivered(At(3, 2, 5));
  Delivered(At(3, 2, 4));
  EXPECT_EQ(Sentence(),
            "Both delivered, not in order: number 2 of its lane arrived before number 1.");
}

TEST_F(ClosingSentenceTest, ALaterOneThatArrivedWhileAnEarlierOneWaitsIsOutOfOrder) {
  Attempt(Add(), 1, now_ - absl::Seconds(1));
  Delivered(At(3, 2, 4));
  EXPECT_EQ(Sentence(),
            "1 of 2 delivered, not in order: number 2 of its lane arrived before number 1; 1 "
            "waiting. In flight: attempt 1 to defaultApp/backend began 1.0 s ago and is not "
            "answered yet.");
}

TEST_F(ClosingSentenceTest, WhatWasGivenUpDoesNotCountForTheOrder) {
  Settle(Add(), Fate::kShed, At(3, 50, 0));
  Delivered(At(3, 2, 4));
  Delivered(At(3, 2, 5));
  EXPECT_EQ(Sentence(),
            "2 of 3 delivered, in order; 1 shed. Shed: defaultApp/backend was over its share of "
            "the spool.");
}

TEST_F(ClosingSentenceTest, SeveralLanesAreEachInOrder) {
  for (int second = 1; second <= 4; ++second) Delivered(At(3, 2, second));
  trace_.events[0].routes[0].lane = 2;
  trace_.events[1].routes[0].lane = 2;
  EXPECT_EQ(Sentence(), "All 4 delivered, each lane in order.");
  trace_.events.resize(1);
  Delivered(At(3, 2, 9));
  EXPECT_EQ(Sentence(), "Both delivered.");
}

TEST_F(ClosingSentenceTest, SeveralThatWaitForOneEndpoint) {
  Delivered(At(3, 2, 1));
  Attempt(Add(), 2, At(3, 2, 8));
  Fail(trace_.events.back().routes[0], 0, "connection refused");
  Add();
  Change(At(3, 2, 9), EndpointState::kBreakerOpen, "connection refused");
  EXPECT_EQ(Sentence(),
            "1 of 3 delivered; 2 waiting. Still waiting: defaultApp/backend has been down since "
            "03:02:09 (connection refused).");
  trace_.endpoints.clear();
  EXPECT_EQ(Sentence(),
            "1 of 3 delivered; 2 waiting. The first waiting: Still waiting after 2 attempts to "
            "defaultApp/backend (connection refused).");
}

TEST_F(ClosingSentenceTest, SeveralRoutesHaveASentenceEach) {
  Delivered(At(3, 2, 0, 4));
  AddWay("crm/hook").not_sent = NotSentReason::kMethodNotListed;
  Settle(AddWay("audit"), Fate::kShed, At(3, 3, 0));
  EXPECT_EQ(Sentence(),
            "defaultApp/backend: Delivered at the first attempt after 4 ms. crm/hook: Never sent: "
            "crm/hook does not list the method StreamStatusEvent. audit: Shed: audit was over its "
            "share of the spool.");
}

TEST_F(ClosingSentenceTest, ErrorEventsOfTheRouterDoNotCountBesideTheOthers) {
  Delivered(At(3, 2, 0, 4));
  Add("other").not_sent = NotSentReason::kMethodNotListed;
  trace_.events.back().from_router = true;
  trace_.events.back().method = kErrorEvent;
  EXPECT_EQ(Sentence(), "Delivered at the first attempt after 4 ms.");
  trace_.events.erase(trace_.events.begin());
  EXPECT_EQ(Sentence(), "Never sent: other does not list the method ErrorEvent.");
}

TEST_F(ClosingSentenceTest, EndMadeInPlaceOfALostEngineCountsLikeTheEnginesOwn) {
  Delivered(At(3, 2, 0, 4));
  TracedRoute& end = Add();
  trace_.events.back().from_router = true;
  Attempt(end, 3, At(3, 2, 4));
  Fail(end, 503, "Service Unavailable");
  EXPECT_EQ(Sentence(),
            "1 of 2 delivered; 1 waiting. Still waiting after 3 attempts to "
            "defaultApp/backend (503 Service Unavailable).");
}

TEST_F(ClosingSentenceTest, AlertsOfTheRouterDoNotCountBesideTheOthers) {
  Delivered(At(3, 2, 0, 4));
  Delivered(At(3, 2, 9));
  trace_.events.back().from_router = true;
  trace_.events.back().method = kAlertEvent;
  EXPECT_EQ(Sentence(), "Delivered at the first attempt after 4 ms.");
}

TEST_F(ClosingSentenceTest, WaitsForARouteThatIsGone) {
  Fail(Add("bill"), 503, "no");
  Change(At(3, 2, 9), EndpointState::kPaused, "", "bill");
  trace_.routes.push_back({.route = "bill", .configured = false, .held_methods = {}});
  EXPECT_EQ(Sentence(),
            "Still waiting: the route bill is not configured. Configure one of that name, or have "
            "its rows made dead letters: tallybus endpoint disable bill.");
}

TEST_F(ClosingSentenceTest, SaysWhereItKnowsOnlyAPart) {
  Delivered(At(3, 2, 0, 4));
  trace_.left_out = 3;
  EXPECT_EQ(Sentence(), "Delivered at the first attempt after 4 ms. (Left out: 3 older events.)");
  trace_.left_out = 0;
  trace_.events[0].routes.clear();
  EXPECT_EQ(Sentence(), "Accepted; nothing more is known of it yet.");
  trace_.events[0].routes_forgotten = true;
  EXPECT_EQ(Sentence(), "Accepted; what came of it is no longer kept.");
}

}  // namespace
}  // namespace tallybus
