// The two rules, one interval at a time. What they do together is in endpoint_simulation_test.cc.
#include "delivery/concurrency_limit.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/manual_clock.h"

namespace tallybus {
namespace {

using Outcome = ConcurrencyLimit::Outcome;

class ConcurrencyLimitTest : public ::testing::Test {
 protected:
  // One interval: as many as may go do, and all come back together.
  void RoundTrip(double milliseconds, Outcome outcome = Outcome::kSuccess) {
    Exchange(limit.limit(), milliseconds, outcome);
  }
  void Exchange(int requests, double milliseconds, Outcome outcome = Outcome::kSuccess) {
    const absl::Duration rtt = absl::Milliseconds(milliseconds);
    std::vector<ConcurrencyLimit::Slot> slots;
    for (int i = 0; i < requests; ++i) slots.push_back(limit.Start());
    clock.Advance(rtt);
    for (size_t i = 1; i < slots.size(); ++i) {
      limit.Finish(slots[i], Outcome::kNoMeasure, rtt, clock.Now());
    }
    // The decision is due with the first that measures, so that comes last.
    clock.Advance(absl::Seconds(1));
    limit.Finish(slots[0], outcome, rtt, clock.Now());
  }
  // Leaves the doubling behind, at 7.
  void EndDoubling() { RoundTrip(10, Outcome::kPushedBack); }

  testing::ManualClock clock;
  ConcurrencyLimit limit{128};
};

TEST_F(ConcurrencyLimitTest, StartsAtEightAndDoublesToTheMost) {
  EXPECT_EQ(limit.limit(), 8);
  for (int expected : {16, 32, 64, 128, 128}) {
    RoundTrip(0.5);
    EXPECT_EQ(limit.limit(), expected);
  }
}

TEST_F(ConcurrencyLimitTest, ThePushBackEndsTheDoubling) {
  RoundTrip(10);
  RoundTrip(10, Outcome::kPushedBack);
  EXPECT_EQ(limit.limit(), 14);
  RoundTrip(10);
  EXPECT_EQ(limit.limit(), 15);
  RoundTrip(10);
  EXPECT_EQ(limit.limit(), 16);
}

TEST_F(ConcurrencyLimitTest, APushBackTakesATenthRoundedDownToOneAtLeast) {
  for (int expected : {7, 6, 5, 4, 3, 2, 1, 1}) {
    RoundTrip(10, Outcome::kPushedBack);
    EXPECT_EQ(limit.limit(), expected);
  }
}

TEST_F(ConcurrencyLimitTest, GrowsOnlyWhereTheLimitWasReached) {
  EndDoubling();
  Exchange(6, 10);
  EXPECT_EQ(limit.limit(), 7);
  Exchange(7, 10);
  EXPECT_EQ(limit.limit(), 8);
}

TEST_F(ConcurrencyLimitTest, GrowsOnlyWhereTheRoundTripIsNotAboveTheMean) {
  EndDoubling();
  RoundTrip(10);
  EXPECT_EQ(limit.limit(), 8);
  RoundTrip(10.5);
  EXPECT_EQ(limit.limit(), 8);
  RoundTrip(10);
  EXPECT_EQ(limit.limit(), 9);
}

TEST_F(ConcurrencyLimitTest, ARoundTripFarAboveTheMeanIsAPushBack) {
  EndDoubling();
  for (int i = 0; i < 5; ++i) RoundTrip(10);
  ASSERT_EQ(limit.limit(), 12);
  RoundTrip(20);
  EXPECT_EQ(limit.limit(), 10);
}

TEST_F(ConcurrencyLimitTest, WhatIsWithinTheDeviationIsNot) {
  EndDoubling();
  for (double ms : {10, 20, 10, 20, 10, 20, 10}) RoundTrip(ms);
  const int before = limit.limit();
  RoundTrip(21);
  EXPECT_EQ(limit.limit(), before);
}

TEST_F(ConcurrencyLimitTest, LessThanTenMillisecondsMoreIsNot) {
  EndDoubling();
  for (int i = 0; i < 5; ++i) RoundTrip(0.1);
  RoundTrip(9);
  EXPECT_EQ(limit.limit(), 12);
  RoundTrip(100);
  EXPECT_EQ(limit.limit(), 10);
}

TEST_F(ConcurrencyLimitTest, DecidesOnceEachMeanRoundTrip) {
  EndDoubling();
  RoundTrip(10);
  ASSERT_EQ(limit.limit(), 8);
  const absl::Duration rtt = absl::Milliseconds(10);
  for (int i = 0; i < 100; ++i) {
    const auto slot = limit.Start();
    clock.Advance(absl::Microseconds(99));
    limit.Finish(slot, Outcome::kPushedBack, rtt, clock.Now());
  }
  EXPECT_EQ(limit.limit(), 8) << "9.9 ms have gone";
  limit.Finish(limit.Start(), Outcome::kPushedBack, rtt, clock.Now() + absl::Microseconds(100));
  EXPECT_EQ(limit.limit(), 7) << "a hundred push-backs of one interval are one";
}

TEST_F(ConcurrencyLimitTest, RestartsAtOneAndGrowsByOne) {
  for (int i = 0; i < 4; ++i) RoundTrip(10);
  limit.RestartAt1();
  for (int expected : {1, 2, 3, 4}) {
    EXPECT_EQ(limit.limit(), expected);
    RoundTrip(10);
  }
}

TEST_F(ConcurrencyLimitTest, WhatWentOutBeforeARestartTakesNoPlaceAndTellsNothing) {
  const auto old = limit.Start();
  limit.RestartAt1();
  EXPECT_FALSE(limit.Full());
  EXPECT_EQ(limit.in_flight(), 1);
  const auto now = limit.Start();
  EXPECT_TRUE(limit.Full());
  EXPECT_FALSE(limit.Finish(old, Outcome::kSuccess, absl::Seconds(9), clock.Now()));
  EXPECT_TRUE(limit.Full());
  EXPECT_EQ(limit.limit(), 1);
  EXPECT_TRUE(limit.Finish(now, Outcome::kSuccess, absl::Seconds(1), clock.Now()));
  EXPECT_EQ(limit.in_flight(), 0);
}

TEST_F(ConcurrencyLimitTest, ButItsConnectionsAreInUse) {
  ConcurrencyLimit two(2);
  const auto old = two.Start();
  two.Start();
  EXPECT_TRUE(two.AtMaxConnections());
  two.RestartAt1();
  EXPECT_TRUE(two.Full());
  two.Finish(old, Outcome::kNoMeasure, absl::ZeroDuration(), clock.Now());
  EXPECT_FALSE(two.Full());
}

TEST_F(ConcurrencyLimitTest, AReloadLowersItAtOnce) {
  limit.SetMaxConnections(3);
  EXPECT_EQ(limit.limit(), 3);
  limit.SetMaxConnections(0);
  EXPECT_EQ(limit.limit(), 1);
  limit.SetMaxConnections(20);
  for (int i = 0; i < 10; ++i) RoundTrip(0.5);
  EXPECT_EQ(limit.limit(), 20);
}

class RoomAheadTest : public ConcurrencyLimitTest {
 protected:
  RoomAheadTest() { limit.SetMaxConnections(2, 3); }
  // That many one after the other.
  void Succeed(int times, double milliseconds = 1) {
    for (int i = 0; i < times; ++i) Exchange(1, milliseconds);
  }
  int RoomAhead() {
    std::vector<ConcurrencyLimit::Slot> slots;
    while (!limit.Full()) slots.push_back(limit.Start());
    int room = 0;
    for (; limit.HasRoomAhead() && room < 100; ++room) slots.push_back(limit.Start());
    for (const auto& slot : slots) {
      limit.Finish(slot, Outcome::kSuccess, absl::Milliseconds(1), clock.Now());
    }
    return room;
  }
};

TEST_F(RoomAheadTest, IsForAPeerThatIsNearAndWell) {
  Succeed(99);
  EXPECT_EQ(RoomAhead(), 0);
  Succeed(1);
  EXPECT_EQ(RoomAhead(), 3);
  Exchange(1, 1, Outcome::kNoMeasure);
  EXPECT_EQ(RoomAhead(), 0) << "a refusal is no success";
}

TEST_F(RoomAheadTest, IsLeftAsItIsByWhatSaysNothing) {
  Succeed(100);
  Exchange(1, 1, Outcome::kNothing);
  EXPECT_EQ(RoomAhead(), 3);
}

TEST_F(RoomAheadTest, EndsWhereOneWasTakenBack) {
  Succeed(100);
  limit.TakeBack(limit.Start());
  EXPECT_EQ(limit.in_flight(), 0);
  EXPECT_EQ(RoomAhead(), 0);
}

TEST_F(RoomAheadTest, IsNotForAPeerThatIsFar) {
  Succeed(200, 3);
  EXPECT_EQ(RoomAhead(), 0);
}

TEST_F(RoomAheadTest, IsNotWhereFewerThanTheMostConnectionsAreUsed) {
  Succeed(100);
  Exchange(1, 1, Outcome::kPushedBack);
  ASSERT_EQ(limit.limit(), 1);
  EXPECT_EQ(RoomAhead(), 0);
  limit.RestartAt1();
  Succeed(100);
  ASSERT_EQ(limit.limit(), 2);
  EXPECT_EQ(RoomAhead(), 3) << "grown again";
}

TEST_F(RoomAheadTest, WaitsAfterAReloadForWhatWasInFlight) {
  Succeed(100);
  ASSERT_EQ(RoomAhead(), 3);
  const ConcurrencyLimit::Slot hangs = limit.Start();
  limit.SetMaxConnections(2, 3);
  Succeed(100);
  EXPECT_EQ(RoomAhead(), 0) << "it may have a connection that is not among the two";
  limit.Finish(hangs, Outcome::kSuccess, absl::Milliseconds(1), clock.Now());
  EXPECT_EQ(RoomAhead(), 3);
  limit.SetMaxConnections(2, 0);
  Succeed(100);
  EXPECT_EQ(RoomAhead(), 0) << "the transport takes none";
}

}  // namespace
}  // namespace tallybus
