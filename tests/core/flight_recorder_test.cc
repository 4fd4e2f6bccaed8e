// What is told of an event is found again, by its id, stream, media session or session.
#include "flight_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_builder.h"
#include "tests/support/manual_clock.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kRoute[] = "defaultApp/backend";

class FlightRecorderTest : public ::testing::Test {
 protected:
  absl::Time Now() const { return clock_.WallNow(); }
  void Later(absl::Duration by = absl::Milliseconds(1)) { clock_.Advance(by); }

  EventId Accept(const std::string& name, uint64_t sequence, const std::string& session = "s") {
    Event event = testing::StatusEvent(name, "PUBLISHING");
    event.id = {7, sequence};
    event.session_id = session;
    event.time = Now() - absl::Milliseconds(5);
    recorder_.Accepted(event, Now());
    return event.id;
  }
  void Spool(const EventId& id, uint64_t row, std::string_view route = kRoute) {
    recorder_.Spooled(id, {row, route, "defaultApp/cam", row}, Now());
  }
  TracedEvent Only(std::string_view wanted) {
    Trace trace = recorder_.Find(wanted, 10);
    EXPECT_THAT(trace.events, SizeIs(1)) << wanted;
    return trace.events.empty() ? TracedEvent() : trace.events.front();
  }
  static std::vector<uint64_t> Sequences(const Trace& trace) {
    std::vector<uint64_t> sequences;
    for (const TracedEvent& event : trace.events) sequences.push_back(event.id.sequence);
    return sequences;
  }

  testing::ManualClock clock_;
  FlightRecorder recorder_;
};

TEST_F(FlightRecorderTest, FindsAnEventByEachOfItsNames) {
  const EventId id = Accept("cam", 255, "session-9");
  for (const char* wanted : {"0000000000000007-255", "cam", "media-cam", "session-9"}) {
    const TracedEvent event = Only(wanted);
    EXPECT_EQ(event.id, id);
    EXPECT_EQ(event.name, "cam");
    EXPECT_EQ(event.media_session_id, "media-cam");
    EXPECT_EQ(event.session_id, "session-9");
    EXPECT_EQ(event.app_key, testing::kApp);
    EXPECT_EQ(event.method, kStreamStatusEvent);
    EXPECT_EQ(event.status, "PUBLISHING");
    EXPECT_EQ(event.accepted, Now());
    EXPECT_EQ(event.time, Now() - absl::Milliseconds(5));
  }
}

TEST_F(FlightRecorderTest, FindsNothingByWhatIsNoNameOfIt) {
  Accept("cam", 255);
  for (const char* wanted : {"", "ca", "camm", "7-255", "0000000000000007-256", "PUBLISHING",
                             "0000000000000007-0255", "0x00000000000007-255"}) {
    EXPECT_THAT(recorder_.Find(wanted, 10).events, IsEmpty()) << wanted;
  }
  EXPECT_THAT(recorder_.Find("cam", 0).events, IsEmpty());
  EXPECT_THAT(recorder_.Find("0000000000000007-255", 0).events, IsEmpty());
}

TEST_F(FlightRecorderTest, AnEventWithoutNamesIsNotFoundByAnEmptyOne) {
  Event event;
  event.id = {7, 1};
  recorder_.Accepted(event, Now());
  EXPECT_THAT(recorder_.Find("", 10).events, IsEmpty());
  EXPECT_EQ(Only("0000000000000007-1").id, event.id);
}

TEST_F(FlightRecorderTest, AStreamMayBeNamedLikeAnId) {
  Accept("0000000000000007-9", 1);
  EXPECT_EQ(Only("0000000000000007-9").id.sequence, 1u);
}

TEST_F(FlightRecorderTest, GivesTheNewestLastAndSaysHowManyItLeftOut) {
  for (uint64_t i = 1; i <= 5; ++i) Accept(i == 3 ? "other" : "cam", i);
  EXPECT_THAT(Sequences(recorder_.Find("cam", 10)), ElementsAre(1, 2, 4, 5));
  const Trace newest = recorder_.Find("cam", 2);
  EXPECT_THAT(Sequences(newest), ElementsAre(4, 5));
  EXPECT_EQ(newest.left_out, 2u);
}

TEST_F(FlightRecorderTest, FollowsAnEventToItsEnd) {
  const EventId id = Accept("cam", 1);
  const absl::Time accepted = Now();
  Later();
  recorder_.ToClients(id, ClientOutcome::kTold, Now());
  Spool(id, 12);
  Later();
  recorder_.Attempted(12, 1, Now());
  Later();
  recorder_.Settled(12, Fate::kDelivered, Now());
  const TracedEvent event = Only("cam");
  EXPECT_EQ(event.clients, ClientOutcome::kTold);
  EXPECT_EQ(event.clients_at, accepted + absl::Milliseconds(1));
  ASSERT_THAT(event.routes, SizeIs(1));
  const TracedRoute& way = event.routes[0];
  EXPECT_EQ(way.route, kRoute);
  EXPECT_EQ(way.row, 12u);
  EXPECT_EQ(way.lane_sequence, 12u);
  EXPECT_EQ(way.begun, accepted + absl::Milliseconds(1));
  EXPECT_EQ(way.first.number, 1);
  EXPECT_EQ(way.first.begun, accepted + absl::Milliseconds(2));
  EXPECT_EQ(way.fate, Fate::kDelivered);
  EXPECT_EQ(way.settled, accepted + absl::Milliseconds(3));
  EXPECT_FALSE(way.resumed);
}

TEST_F(FlightRecorderTest, KeepsTheRoutesOfAnEventApart) {
  const EventId id = Accept("cam", 1);
  Spool(id, 12);
  recorder_.NotSent(id, "crm/hook", NotSentReason::kMethodNotListed, Now());
  Spool(id, 13, "audit");
  recorder_.Attempted(13, 1, Now());
  recorder_.Settled(13, Fate::kRejected, Now());
  const TracedEvent event = Only("cam");
  ASSERT_THAT(event.routes, SizeIs(3));
  EXPECT_EQ(event.routes[0].fate, std::nullopt);
  EXPECT_EQ(event.routes[1].not_sent, NotSentReason::kMethodNotListed);
  EXPECT_EQ(event.routes[1].route, "crm/hook");
  EXPECT_EQ(event.routes[2].fate, Fate::kRejected);
  EXPECT_EQ(event.routes[2].route, "audit");
}

TEST_F(FlightRecorderTest, OfManyAttemptsKeepsTheFirstAndTheLast) {
  const EventId id = Accept("cam", 1);
  Spool(id, 12);
  const absl::Time began = Now();
  for (int attempt = 1; attempt <= 240; ++attempt) {
    recorder_.Attempted(12, attempt, Now());
    recorder_.Failed(12,
                     {.attempt = attempt,
                      .http_status = attempt == 1 ? 503 : 0,
                      .info = attempt == 1 ? "Busy" : "connection refused",
                      .next_attempt = Now() + absl::Seconds(15)},
                     Now());
    Later(absl::Seconds(15));
  }
  const TracedRoute way = Only("cam").routes.at(0);
  EXPECT_EQ(way.first.number, 1);
  EXPECT_EQ(way.first.begun, began);
  EXPECT_EQ(way.first.http_status, 503);
  EXPECT_EQ(way.first.info, "Busy");
  EXPECT_EQ(way.last.number, 240);
  EXPECT_EQ(way.last.failed, Now() - absl::Seconds(15));
  EXPECT_EQ(way.last.http_status, 0);
  EXPECT_EQ(way.last.info, "connection refused");
  EXPECT_EQ(way.next_attempt, Now());
  recorder_.Attempted(12, 241, Now());
  EXPECT_EQ(Only("cam").routes.at(0).last.failed, absl::InfinitePast());
  EXPECT_EQ(Only("cam").routes.at(0).next_attempt, absl::InfinitePast());
}

TEST_F(FlightRecorderTest, IgnoresWhatItDoesNotKnow) {
  recorder_.ToClients({1, 1}, ClientOutcome::kTold, Now());
  recorder_.NotSent({1, 1}, "app", NotSentReason::kNoBackend, Now());
  Spool({1, 1}, 12);
  recorder_.Attempted(12, 1, Now());
  recorder_.Failed(12, {.attempt = 1}, Now());
  recorder_.Settled(12, Fate::kDelivered, Now());
  EXPECT_EQ(recorder_.events(), 0u);
  Accept("cam", 1);
  EXPECT_THAT(Only("cam").routes, IsEmpty());
}

TEST_F(FlightRecorderTest, TakesUpARowOfAnEarlierProcess) {
  Event event = testing::StatusEvent("cam", "STOPPED");
  event.id = {3, 4};
  recorder_.Resumed(event, {90, kRoute, "lane", 8}, Now());
  recorder_.Attempted(90, 7, Now());
  recorder_.Resumed(event, {90, kRoute, "lane", 8}, Now());
  recorder_.Resumed(event, {91, "audit", "lane", 3}, Now());
  const TracedEvent found = Only("0000000000000003-4");
  EXPECT_TRUE(found.resumed);
  ASSERT_THAT(found.routes, SizeIs(2));
  EXPECT_TRUE(found.routes[0].resumed);
  EXPECT_EQ(found.routes[0].lane_sequence, 8u);
  EXPECT_EQ(found.routes[0].first.number, 7);
  EXPECT_EQ(found.routes[1].route, "audit");
}

TEST_F(FlightRecorderTest, ARowThatIsSentAgainByHandIsSeenFromItsBeginning) {
  Event event = testing::StatusEvent("cam", "STOPPED");
  event.id = {3, 4};
  recorder_.Replayed(event, {90, kRoute, "lane", 8}, Now());
  const TracedEvent found = Only("0000000000000003-4");
  EXPECT_TRUE(found.resumed);
  ASSERT_THAT(found.routes, SizeIs(1));
  EXPECT_TRUE(found.routes[0].replayed);
  EXPECT_FALSE(found.routes[0].resumed);
}

TEST_F(FlightRecorderTest, ATriedRowThatIsBuriedKeepsItsLastFailureBesideTheReason) {
  Spool(Accept("cam", 1), 12);
  recorder_.Failed(12, {.attempt = 1, .http_status = 503, .info = "Busy"}, Now());
  recorder_.Buried(12, "its endpoint was away for too long");
  recorder_.Settled(12, Fate::kGivenUp, Now());
  EXPECT_EQ(Only("cam").routes.at(0).why, "its endpoint was away for too long");
  EXPECT_EQ(Only("cam").routes.at(0).last.info, "Busy");
}

TEST_F(FlightRecorderTest, ARowThatIsKnownIsNotResumed) {
  const EventId id = Accept("cam", 1);
  Spool(id, 12);
  Event event = testing::StatusEvent("cam", "PUBLISHING");
  event.id = id;
  recorder_.Resumed(event, {12, kRoute, "defaultApp/cam", 12}, Now());
  const TracedEvent found = Only("cam");
  EXPECT_FALSE(found.resumed);
  ASSERT_THAT(found.routes, SizeIs(1));
  EXPECT_FALSE(found.routes[0].resumed);
}

TEST_F(FlightRecorderTest, AnAttemptAfterTheEndOpensTheRowAgain) {
  Spool(Accept("cam", 1), 12);
  recorder_.Attempted(12, 1, Now());
  recorder_.Settled(12, Fate::kGivenUp, Now());
  recorder_.Attempted(12, 2, Now());
  EXPECT_EQ(Only("cam").routes.at(0).fate, std::nullopt);
  EXPECT_EQ(Only("cam").routes.at(0).settled, absl::InfinitePast());
}

TEST_F(FlightRecorderTest, AnIdThatComesTwiceHasTwoRecords) {
  const EventId id = Accept("cam", 1);
  Accept("cam", 1);
  recorder_.ToClients(id, ClientOutcome::kNobody, Now());
  const Trace trace = recorder_.Find("cam", 10);
  ASSERT_THAT(trace.events, SizeIs(2));
  EXPECT_EQ(trace.events[0].clients, std::nullopt);
  EXPECT_EQ(trace.events[1].clients, ClientOutcome::kNobody);
  EXPECT_EQ(Only("0000000000000007-1").clients, ClientOutcome::kNobody);
}

TEST_F(FlightRecorderTest, OfAnIdThatComesTwiceTheLaterRecordIsToldOfInWhateverOrder) {
  const EventId cam = Accept("cam", 1);
  const EventId next = Accept("next", 2);
  Accept("cam", 1);
  const EventId last = Accept("last", 3);
  for (const EventId& id : {cam, next, cam, last, next}) {
    recorder_.ToClients(id, ClientOutcome::kNobody, Now());
  }
  const Trace trace = recorder_.Find("cam", 10);
  ASSERT_THAT(trace.events, SizeIs(2));
  EXPECT_EQ(trace.events[0].clients, std::nullopt);
  EXPECT_EQ(trace.events[1].clients, ClientOutcome::kNobody);
  EXPECT_EQ(Only("next").clients, ClientOutcome::kNobody);
  EXPECT_EQ(Only("last").clients, ClientOutcome::kNobody);
}

TEST_F(FlightRecorderTest, KnowsTheRowsThatItWasToldOf) {
  EXPECT_FALSE(recorder_.Knows(0));
  EXPECT_FALSE(recorder_.Knows(12));
  Spool(Accept("cam", 1), 12);
  EXPECT_TRUE(recorder_.Knows(12));
  EXPECT_FALSE(recorder_.Knows(11));
  EXPECT_FALSE(recorder_.Knows(13));
}

class EndpointHistoryTest : public FlightRecorderTest {
 protected:
  void Change(EndpointState state, std::string_view reason = "", std::string_view route = kRoute) {
    recorder_.EndpointChanged(route, state, reason, Now());
    Later(absl::Minutes(1));
  }
  std::vector<std::string> Reasons() {
    std::vector<std::string> reasons;
    for (const EndpointChange& change : recorder_.Find("cam", 10).endpoints) {
      reasons.push_back(change.reason);
    }
    return reasons;
  }
};

TEST_F(EndpointHistoryTest, TellsTheStateThatTheEventMetAndItsChangesUntilTheEnd) {
  Change(EndpointState::kHeld, "long before");
  Change(EndpointState::kOpenForBusiness, "before");
  Change(EndpointState::kBreakerOpen, "met");
  Spool(Accept("cam", 1), 1);
  Change(EndpointState::kPaused, "other route", "audit");
  Change(EndpointState::kOpenForBusiness, "meanwhile");
  recorder_.Settled(1, Fate::kDelivered, Now());
  Later();
  Change(EndpointState::kDisabled, "after");
  EXPECT_THAT(Reasons(), ElementsAre("met", "meanwhile"));
}

TEST_F(EndpointHistoryTest, TellsAllThatCameWhileTheEventStillWaits) {
  Spool(Accept("cam", 1), 1);
  Change(EndpointState::kBreakerOpen, "connection refused");
  Change(EndpointState::kHeld, "401");
  EXPECT_THAT(Reasons(), ElementsAre("connection refused", "401"));
}

TEST_F(EndpointHistoryTest, SaysNothingOfAnEndpointThatWasOpenThroughout) {
  Change(EndpointState::kBreakerOpen, "before");
  Change(EndpointState::kOpenForBusiness, "before");
  Spool(Accept("cam", 1), 1);
  EXPECT_THAT(Reasons(), IsEmpty());
}

TEST_F(EndpointHistoryTest, AStateThatIsToldAgainKeepsItsFirstTime) {
  Spool(Accept("cam", 1), 1);
  Change(EndpointState::kOpenForBusiness, "as always");
  const absl::Time down = Now();
  Change(EndpointState::kBreakerOpen, "first");
  Change(EndpointState::kBreakerOpen, "second");
  EXPECT_THAT(Reasons(), ElementsAre("first"));
  EXPECT_EQ(recorder_.Find("cam", 1).endpoints.at(0).at, down);
}

}  // namespace
}  // namespace tallybus
