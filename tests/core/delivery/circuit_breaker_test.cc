// When it trips, how long it stays open, and the one probe.
#include "delivery/circuit_breaker.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/manual_clock.h"

namespace tallybus {
namespace {

using State = CircuitBreaker::State;

class CircuitBreakerTest : public ::testing::Test {
 protected:
  void Fail(int times) {
    for (int i = 0; i < times; ++i) breaker.Failed(clock.Now());
  }
  void Succeed(int times) {
    for (int i = 0; i < times; ++i) breaker.Succeeded(clock.Now());
  }
  absl::Duration OpenFor() const { return breaker.probe_at() - clock.Now(); }
  // Waits for the probe's time and sends it.
  void Probe() {
    ASSERT_EQ(breaker.state(), State::kOpen);
    clock.AdvanceTo(breaker.probe_at());
    ASSERT_TRUE(breaker.ProbeDue(clock.Now()));
    breaker.ProbeStarted();
  }

  testing::ManualClock clock;
  CircuitBreaker breaker{1};
};

TEST_F(CircuitBreakerTest, FiveFailuresInARowOpenIt) {
  Fail(4);
  EXPECT_EQ(breaker.state(), State::kClosed);
  clock.Advance(absl::Hours(1));
  Fail(1);
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_EQ(breaker.since(), clock.Now());
}

TEST_F(CircuitBreakerTest, ASuccessBreaksTheRow) {
  for (int i = 0; i < 10; ++i) {
    Fail(4);
    Succeed(7);
  }
  EXPECT_EQ(breaker.state(), State::kClosed);
}

TEST_F(CircuitBreakerTest, HalfOfTwentyRequestsOpenIt) {
  for (int i = 0; i < 9; ++i) {
    Succeed(1);
    Fail(1);
  }
  Succeed(1);
  EXPECT_EQ(breaker.state(), State::kClosed) << "9 of 19";
  Fail(1);
  EXPECT_EQ(breaker.state(), State::kOpen) << "10 of 20";
}

TEST_F(CircuitBreakerTest, LessThanHalfDoesNot) {
  for (int i = 0; i < 500; ++i) {
    Succeed(6);
    Fail(4);
    clock.Advance(absl::Milliseconds(300));
  }
  EXPECT_EQ(breaker.state(), State::kClosed);
}

TEST_F(CircuitBreakerTest, WhatIsOlderThanHalfAMinuteIsForgotten) {
  for (int i = 0; i < 9; ++i) {
    Fail(1);
    Succeed(1);
  }
  clock.Advance(absl::Seconds(31));
  Succeed(1);
  Fail(1);
  EXPECT_EQ(breaker.state(), State::kClosed);
}

TEST_F(CircuitBreakerTest, FailuresOfTheLastHalfMinuteAddUpOverIt) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(breaker.state(), State::kClosed) << i;
    Succeed(1);
    Fail(1);
    clock.Advance(absl::Seconds(2.9));
  }
  EXPECT_EQ(breaker.state(), State::kOpen);
}

TEST_F(CircuitBreakerTest, EachFailedProbeDoublesTheStepUpToAMinute) {
  Fail(5);
  for (int step : {5, 10, 20, 40, 60, 60, 60}) {
    EXPECT_GE(OpenFor(), absl::Seconds(step) / 2);
    EXPECT_LE(OpenFor(), absl::Seconds(step));
    Probe();
    breaker.ProbeFailed(clock.Now());
  }
  EXPECT_EQ(breaker.failed_probes(), 7);
}

TEST_F(CircuitBreakerTest, ExactlyOneProbeGoes) {
  Fail(5);
  EXPECT_FALSE(breaker.ProbeDue(breaker.probe_at() + -absl::Nanoseconds(1)));
  Probe();
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_FALSE(breaker.ProbeDue(clock.Now() + absl::Hours(1)));
}

TEST_F(CircuitBreakerTest, AGoodProbeClosesItAndTheStepsBeginAnew) {
  const MonoTime tripped = clock.Now();
  Fail(5);
  Probe();
  breaker.ProbeFailed(clock.Now());
  EXPECT_EQ(breaker.since(), tripped) << "it has not been closed since";
  Probe();
  breaker.ProbeSucceeded(clock.Now());
  EXPECT_EQ(breaker.state(), State::kClosed);
  EXPECT_EQ(breaker.since(), clock.Now());
  Fail(4);
  EXPECT_EQ(breaker.state(), State::kClosed) << "what failed before is forgotten";
  Fail(1);
  EXPECT_LE(OpenFor(), absl::Seconds(5));
}

TEST_F(CircuitBreakerTest, WhatComesBackLateTellsNothingNew) {
  Fail(5);
  const MonoTime probe_at = breaker.probe_at();
  Fail(100);
  Succeed(100);
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_EQ(breaker.probe_at(), probe_at);
  Probe();
  Fail(100);
  Succeed(100);
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
}

TEST_F(CircuitBreakerTest, AnOperatorMayProbeAtOnce) {
  breaker.ProbeAtOnce(clock.Now());
  EXPECT_EQ(breaker.state(), State::kClosed);
  Fail(5);
  breaker.ProbeAtOnce(clock.Now());
  EXPECT_TRUE(breaker.ProbeDue(clock.Now()));
}

TEST_F(CircuitBreakerTest, RoutersThatTripTogetherDoNotProbeTogether) {
  std::set<int64_t> milliseconds;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    CircuitBreaker one(seed);
    for (int i = 0; i < 5; ++i) one.Failed(clock.Now());
    milliseconds.insert((one.probe_at() - clock.Now()) / absl::Milliseconds(1));
  }
  EXPECT_GT(milliseconds.size(), 80u);
  EXPECT_LT(*milliseconds.begin(), 2700);
  EXPECT_GT(*milliseconds.rbegin(), 4800);
}

}  // namespace
}  // namespace tallybus
