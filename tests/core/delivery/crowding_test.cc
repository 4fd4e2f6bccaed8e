// Loads and round trips, compared.
#include "delivery/crowding.h"

#include <gtest/gtest.h>

namespace tallybus {
namespace {

class CrowdingTest : public ::testing::Test {
 protected:
  // Ten round trips at this load, then a comparison.
  std::optional<int> At(int load, double milliseconds) {
    for (int i = 0; i < 10; ++i) crowding.Add(load, milliseconds / 1000);
    return crowding.Compare(10);
  }

  Crowding crowding;
};

TEST_F(CrowdingTest, ALoadThatMakesEachWaitLongerIsTooMuch) {
  EXPECT_EQ(At(8, 10), std::nullopt);
  EXPECT_EQ(At(16, 20), 6) << "three quarters of the load that did as well";
}

TEST_F(CrowdingTest, ALoadThatIsAnsweredAsFastIsNot) {
  EXPECT_EQ(At(8, 10), std::nullopt);
  EXPECT_EQ(At(16, 11), std::nullopt);
  EXPECT_EQ(At(32, 12), std::nullopt);
}

TEST_F(CrowdingTest, ItGoesOnDownWhileThatCostsNothing) {
  At(100, 100);
  EXPECT_EQ(At(75, 75), 56);
  EXPECT_EQ(At(56, 56), 42);
  EXPECT_EQ(At(42, 56), std::nullopt) << "here throughput was lost";
}

TEST_F(CrowdingTest, LongerRoundTripsAtOneLoadAreWorthALookAtALowerOne) {
  At(128, 10);
  EXPECT_EQ(At(128, 14), std::nullopt);
  EXPECT_EQ(At(128, 16), 96);
  EXPECT_EQ(At(96, 16), std::nullopt) << "the peer became slower, and the load is no reason";
}

TEST_F(CrowdingTest, ShorterRoundTripsAreNoReasonForLess) {
  At(128, 50);
  EXPECT_EQ(At(128, 5), std::nullopt);
}

TEST_F(CrowdingTest, ALoadThatStaysIsLookedAtMoreAndMoreRarely) {
  At(128, 10);
  int looks = 0;
  int first = 0;
  for (int i = 1; i <= 600; ++i) {
    if (At(128, 10)) {
      ++looks;
      if (first == 0) first = i;
    }
  }
  EXPECT_EQ(first, 8);
  EXPECT_EQ(looks, 6) << "after 8, 16, 32, 64, 128, 256";
}

TEST_F(CrowdingTest, WaitingThatNobodyFeelsIsNoReason) {
  At(8, 0.1);
  EXPECT_EQ(At(80, 0.9), std::nullopt);
}

TEST_F(CrowdingTest, NothingIsComparedBeforeThereIsEnough) {
  At(8, 10);
  for (int i = 0; i < 9; ++i) crowding.Add(16, 0.020);
  EXPECT_EQ(crowding.Compare(10), std::nullopt);
  crowding.Add(16, 0.020);
  EXPECT_EQ(crowding.Compare(10), 6);
}

TEST_F(CrowdingTest, WhatWasForgottenIsNotComparedWith) {
  At(8, 10);
  crowding.Forget();
  EXPECT_EQ(At(16, 20), std::nullopt);
}

TEST_F(CrowdingTest, NeverAsksForLessThanOne) {
  At(2, 10);
  EXPECT_EQ(At(1, 5), 1);
}

}  // namespace
}  // namespace tallybus
