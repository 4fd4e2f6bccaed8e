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
