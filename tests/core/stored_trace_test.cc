// A trace that the spool's rows complete.
#include "stored_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoredTraceTest : public ::testing::Test {
 protected:
  StoredRow Row(SpoolSeq seq, uint64_t event, StoredRow::State state = StoredRow::State::kWaiting) {
    auto stored = std::make_shared<Event>();
    stored->id = {0xab, event};
    stored->method = kStreamStatusEvent;
    stored->name = "cam";
    auto row = std::make_shared<SpoolRow>();
    row->seq = seq;
    row->event = std::move(stored);
    row->lane_sequence = seq;
    row->accepted = now + absl::Seconds(event);
    StoredRow result;
    result.row = std::move(row);
    result.route = "billing";
    result.lane = "app/cam";
    result.state = state;
    result.at = now + absl::Minutes(1);
    return result;
  }
  std::string Sentence() {
    return ClosingSentence(trace, now + absl::Seconds(30), absl::UTCTimeZone());
  }

  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  Trace trace;
};

TEST_F(StoredTraceTest, AWaitingRowIsStillWaiting) {
  AddStored(Row(7, 1), &trace);
  ASSERT_THAT(trace.events, SizeIs(1));
  EXPECT_EQ(trace.events[0].name, "cam");
  EXPECT_TRUE(trace.events[0].resumed);
  ASSERT_THAT(trace.events[0].routes, SizeIs(1));
  EXPECT_EQ(trace.events[0].routes[0].row, 7u);
  EXPECT_EQ(Sentence(), "Still waiting for its first attempt to billing since 22:13:21.");
}

TEST_F(StoredTraceTest, AWaitingRowThatWasTriedIsNotInFlight) {
  StoredRow row = Row(7, 1);
  row.attempts = 3;
  AddStored(row, &trace);
  EXPECT_EQ(Sentence(),
            "Still waiting after 3 attempts to billing (what they brought is not known here); next "
            "attempt in 30.0 s.");
}

TEST_F(StoredTraceTest, ADeadLetterIsTold) {
  StoredRow row = Row(7, 1, StoredRow::State::kDead);
  row.attempts = 1;
  row.http_status = 400;
  row.reason = "Bad Request";
  AddStored(row, &trace);
  EXPECT_EQ(Sentence(),
            "Given up after 1 attempt (400 Bad Request); it is a dead letter: tallybus spool retry "
            "--id 00000000000000ab-1.");
}

TEST_F(StoredTraceTest, ADeadLetterOfADisabledEndpointNamesTheWayBack) {
  StoredRow row = Row(7, 1, StoredRow::State::kDead);
  row.reason = "the endpoint is disabled";
  AddStored(row, &trace);
  row = Row(8, 2, StoredRow::State::kDead);
  row.http_status = 410;
  AddStored(row, &trace);
  for (const TracedEvent& event : trace.events) {
    EXPECT_EQ(event.routes.at(0).fate, Fate::kGone) << event.id.ToString();
  }
}

TEST_F(StoredTraceTest, WhatIsRetainedWasDelivered) {
  AddStored(Row(7, 1, StoredRow::State::kDelivered), &trace);
  EXPECT_EQ(trace.events[0].routes[0].fate, Fate::kDelivered);
}

TEST_F(StoredTraceTest, WhatWasSentAgainByHandSaysSo) {
  StoredRow row = Row(7, 1, StoredRow::State::kDelivered);
  auto replayed = std::make_shared<SpoolRow>(*row.row);
  replayed->replays = 1;
  row.row = replayed;
  row.attempts = 2;
  AddStored(row, &trace);
  EXPECT_EQ(Sentence(),
            "Delivered at the 2nd attempt, having been sent again by hand; what came before this "
            "process took it up is not known.");
}

TEST_F(StoredTraceTest, RowsOfOneEventAreWaysOfItAndAKnownRowIsLeftAsItIs) {
  AddStored(Row(7, 1), &trace);
  trace.events[0].routes[0].fate = Fate::kDelivered;
  AddStored(Row(7, 1), &trace);
  AddStored(Row(3, 1), &trace);
  ASSERT_THAT(trace.events, SizeIs(1));
  ASSERT_THAT(trace.events[0].routes, SizeIs(2));
  EXPECT_EQ(trace.events[0].routes[0].row, 3u) << "oldest first";
  EXPECT_EQ(trace.events[0].routes[1].fate, Fate::kDelivered);
}

TEST_F(StoredTraceTest, ADamagedRowSaysNothing) {
  StoredRow row = Row(7, 1);
  auto damaged = std::make_shared<SpoolRow>();
  damaged->event = std::make_shared<Event>();
  row.row = damaged;
  AddStored(row, &trace);
  EXPECT_THAT(trace.events, IsEmpty());
}

TEST_F(StoredTraceTest, TheNewestAreKeptInOrderAndTheOthersCounted) {
  for (uint64_t event : {4, 1, 3, 2}) AddStored(Row(event, event), &trace);
  KeepNewest(3, &trace);
  ASSERT_THAT(trace.events, SizeIs(3));
  EXPECT_EQ(trace.events[0].id.sequence, 2u);
  EXPECT_EQ(trace.events[2].id.sequence, 4u);
  EXPECT_EQ(trace.left_out, 1u);
}

}  // namespace
}  // namespace tallybus
