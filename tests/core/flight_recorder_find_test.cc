// How texts and names are told, and where in a record a name is found.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flight_recorder.h"
#include "tests/support/event_builder.h"

namespace tallybus {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Time kNow = absl::UnixEpoch();

class FlightRecorderFindTest : public ::testing::Test {
 protected:
  Event NewEvent(uint64_t sequence) {
    Event event = testing::StatusEvent("cam", "PUBLISHING");
    event.id = {7, sequence};
    return event;
  }

  FlightRecorder recorder_;
};

TEST_F(FlightRecorderFindTest, ALongNameIsFoundWholeAndShownCut) {
  Event event = NewEvent(1);
  event.name = std::string(100, 'x');
  event.session_id = "after";
  recorder_.Accepted(event, kNow);
  const Trace trace = recorder_.Find(event.name, 10);
  ASSERT_THAT(trace.events, SizeIs(1));
  EXPECT_EQ(trace.events[0].name, std::string(52, 'x') + "... (100 bytes)");
  EXPECT_EQ(trace.events[0].session_id, "after");
  EXPECT_THAT(recorder_.Find(std::string(101, 'x'), 10).events, IsEmpty());
  EXPECT_THAT(recorder_.Find(std::string(52, 'x'), 10).events, IsEmpty());
}

TEST_F(FlightRecorderFindTest, AnEventOfWhichTwoNamesAreTheSameIsFoundOnce) {
  Event event = NewEvent(1);
  event.session_id = event.name;
  recorder_.Accepted(event, kNow);
  EXPECT_THAT(recorder_.Find("cam", 10).events, SizeIs(1));
}

TEST_F(FlightRecorderFindTest, TellsEachOutcomeOfTheClientsAndNoneBeforeItIsKnown) {
  uint64_t sequence = 0;
  for (ClientOutcome outcome :
       {ClientOutcome::kTold, ClientOutcome::kOverwritten, ClientOutcome::kAwaitsAnswer,
        ClientOutcome::kAwaitsTurn, ClientOutcome::kNoSession, ClientOutcome::kNobody}) {
    const Event event = NewEvent(++sequence);
    recorder_.Accepted(event, kNow);
    EXPECT_EQ(recorder_.Find(event.id.ToString(), 1).events.at(0).clients, std::nullopt);
    recorder_.ToClients(event.id, outcome, kNow);
    EXPECT_EQ(recorder_.Find(event.id.ToString(), 1).events.at(0).clients, outcome);
  }
}

TEST_F(FlightRecorderFindTest, TellsEachFateAndEachReasonNotToSend) {
  uint64_t row = 0;
  for (Fate fate : {Fate::kDelivered, Fate::kFailedAnswer, Fate::kGivenUp, Fate::kRejected,
                    Fate::kGone, Fate::kShed, Fate::kCoalesced, Fate::kDropped}) {
    const Event event = NewEvent(++row);
    recorder_.Accepted(event, kNow);
    recorder_.Spooled(event.id, {row, "route", "lane", row}, kNow);
    recorder_.Settled(row, fate, kNow);
    const TracedEvent found = recorder_.Find(event.id.ToString(), 1).events.at(0);
    EXPECT_EQ(found.routes.at(0).fate, fate);
    EXPECT_EQ(found.routes.at(0).not_sent, std::nullopt);
  }
  for (NotSentReason reason :
       {NotSentReason::kNoBackend, NotSentReason::kNoRoute, NotSentReason::kRestPolicyDisable,
        NotSentReason::kMethodNotListed, NotSentReason::kDryRun}) {
    const Event event = NewEvent(++row);
    recorder_.Accepted(event, kNow);
    recorder_.NotSent(event.id, "app", reason, kNow);
    const TracedEvent found = recorder_.Find(event.id.ToString(), 1).events.at(0);
    EXPECT_EQ(found.routes.at(0).fate, std::nullopt);
    EXPECT_EQ(found.routes.at(0).not_sent, reason);
  }
}

TEST_F(FlightRecorderFindTest, AFailureKeepsWhenItsAttemptBegan) {
  recorder_.Accepted(NewEvent(1), kNow);
  recorder_.Spooled({7, 1}, {12, "route", "lane", 1}, kNow);
  recorder_.Attempted(12, 1, kNow + absl::Seconds(1));
  EXPECT_EQ(recorder_.LastFailure(12).number, 0);
  const auto route = [this] { return recorder_.Find("cam", 1).events.at(0).routes.at(0); };
  EXPECT_EQ(route().first.begun, kNow + absl::Seconds(1));
  EXPECT_EQ(route().last.number, 1);
  recorder_.Attempted(12, 1, kNow + absl::Seconds(2));  // the same one, in a smaller batch
  EXPECT_EQ(route().first.begun, kNow + absl::Seconds(1));
  EXPECT_EQ(route().last.begun, kNow + absl::Seconds(2));
  recorder_.Failed(12, {.attempt = 1, .http_status = 503, .info = "Busy"}, kNow);
  EXPECT_EQ(recorder_.LastFailure(12).info, "Busy");
  EXPECT_EQ(route().first.begun, kNow + absl::Seconds(2));
}

TEST_F(FlightRecorderFindTest, TellsWhoMadeIt) {
  Event event = NewEvent(1);
  event.from_router = true;
  recorder_.Accepted(event, kNow);
  recorder_.Accepted(NewEvent(2), kNow);
  const Trace trace = recorder_.Find("cam", 10);
  EXPECT_TRUE(trace.events.at(0).from_router);
  EXPECT_FALSE(trace.events.at(1).from_router);
}

}  // namespace
}  // namespace tallybus
