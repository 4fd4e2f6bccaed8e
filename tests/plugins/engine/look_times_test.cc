// The looks after a sending, in microseconds, by a clock of the test's own.
#include "look_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tallybus::engine {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kStart = 1'000'000;

// All looks after a sending at `sent`, from then on, until it is to park.
std::vector<int64_t> LooksAfter(LookTimes& looks, int64_t sent) {
  std::vector<int64_t> times;
  looks.NoteSending(sent);
  for (int64_t now = sent; const int64_t wait = looks.WaitUs(now); times.push_back(now - sent)) {
    now += wait;
  }
  looks.NoteParking();
  return times;
}

TEST(LookTimesTest, ParksAtOnceWhereNothingWasSent) { EXPECT_EQ(LookTimes().WaitUs(kStart), 0); }

TEST(LookTimesTest, LooksOnceMoreWhereEventsAreRare) {
  LookTimes looks;
  EXPECT_THAT(LooksAfter(looks, kStart), ElementsAre(1000));
  EXPECT_THAT(LooksAfter(looks, kStart + 1001), ElementsAre(1000));
}

TEST(LookTimesTest, LooksLessAndLessOftenWhereTheyComeWithinAMillisecond) {
  LookTimes looks;
  looks.NoteSending(kStart);
  EXPECT_THAT(LooksAfter(looks, kStart + 500), ElementsAre(50, 100, 175, 306, 506, 706, 906, 1000));
}

TEST(LookTimesTest, WhatTheLastLookFindsWasNotRare) {
  LookTimes looks;
  looks.NoteSending(kStart);
  ASSERT_EQ(looks.WaitUs(kStart), 1000);
  looks.NoteSending(kStart + 1020);  // the thread woke late, and nobody had to wake it
  EXPECT_EQ(looks.WaitUs(kStart + 1020), 50);
}

TEST(LookTimesTest, TheSameSendingSaysNothingNew) {
  LookTimes looks;
  looks.NoteSending(kStart);
  looks.NoteSending(kStart);
  EXPECT_EQ(looks.WaitUs(kStart + 400), 600) << "still rare";
}

}  // namespace
}  // namespace tallybus::engine
