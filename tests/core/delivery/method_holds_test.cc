// Which methods are held, and the time that this takes from their events' trying.
#include "delivery/method_holds.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace tallybus {
namespace {

class MethodHoldsTest : public ::testing::Test {
 protected:
  bool Begin(std::string_view method) {
    return holds.Begin(method, {.code = 404}, own, clock.Now(), jitter);
  }

  testing::ManualClock clock;
  Jitter jitter{1};
  absl::Duration own = absl::Hours(1);
  MethodHolds holds;
};

TEST_F(MethodHoldsTest, HoldsOneMethodAndNoOther) {
  EXPECT_TRUE(Begin("A"));
  ASSERT_NE(holds.Find("A"), nullptr);
  EXPECT_EQ(holds.Find("A")->code, 404);
  EXPECT_EQ(holds.Find("B"), nullptr);
  holds.Release("A", own);
  EXPECT_EQ(holds.Find("A"), nullptr);
}

TEST_F(MethodHoldsTest, ProbesSlowlyAndOneAtATime) {
  Begin("A");
  const MonoTime due = holds.Find("A")->probe_at;
  EXPECT_GE(due - clock.Now(), absl::Seconds(30));
  EXPECT_LE(due - clock.Now(), absl::Seconds(60));
  EXPECT_EQ(holds.NextDue(clock.Now()), due);
  EXPECT_FALSE(holds.Find("A")->ProbeDue(clock.Now()));
  clock.AdvanceTo(due);
  EXPECT_TRUE(holds.Find("A")->ProbeDue(clock.Now()));
  EXPECT_EQ(holds.NextDue(clock.Now()), std::nullopt) << "it is due already";
  holds.ProbeStarted("A");
  EXPECT_FALSE(holds.Find("A")->ProbeDue(clock.Now()));
  holds.ProbeLater("A", clock.Now(), jitter);
  EXPECT_GE(holds.NextDue(clock.Now()).value() - clock.Now(), absl::Seconds(30));
}

TEST_F(MethodHoldsTest, AnAbandonedProbeIsFollowedByAnother) {
  Begin("A");
  clock.Advance(absl::Seconds(60));
  holds.ProbeStarted("A");
  holds.AbandonProbes(clock.Now(), jitter);
  clock.Advance(absl::Seconds(60));
  EXPECT_TRUE(holds.Find("A")->ProbeDue(clock.Now()));
}

TEST_F(MethodHoldsTest, ItsTimeStandsStillInEachHold) {
  EXPECT_EQ(holds.Lost("A", own), absl::ZeroDuration());
  Begin("A");
  own += absl::Minutes(5);
  EXPECT_EQ(holds.Lost("A", own), absl::Minutes(5));
  EXPECT_EQ(holds.Lost("B", own), absl::ZeroDuration());
  holds.Release("A", own);
  own += absl::Hours(1);
  EXPECT_EQ(holds.Lost("A", own), absl::Minutes(5));
  Begin("A");
  own += absl::Minutes(2);
  EXPECT_EQ(holds.Lost("A", own), absl::Minutes(7));
}

TEST_F(MethodHoldsTest, AHoldThatLastsIsNotBegunAnew) {
  Begin("A");
  const MonoTime since = holds.Find("A")->since;
  own += absl::Minutes(5);
  clock.Advance(absl::Minutes(5));
  const uint64_t changes = holds.changes();
  Begin("A");
  EXPECT_EQ(holds.Find("A")->since, since);
  EXPECT_EQ(holds.Lost("A", own), absl::Minutes(5));
  EXPECT_EQ(holds.changes(), changes);
}

TEST_F(MethodHoldsTest, TheTableIsBoundedAndForgetsTheLongestReleased) {
  for (size_t i = 0; i < MethodHolds::kMax; ++i) EXPECT_TRUE(Begin("M" + std::to_string(i)));
  EXPECT_FALSE(Begin("Another"));
  holds.Release("M7", own + absl::Seconds(7));
  holds.Release("M3", own + absl::Seconds(9));
  EXPECT_TRUE(Begin("Another"));
  EXPECT_EQ(holds.entries().size(), MethodHolds::kMax);
  EXPECT_EQ(holds.Lost("M7", own), absl::ZeroDuration());
  EXPECT_EQ(holds.Lost("M3", own), absl::Seconds(9));
  holds.ReleaseAll(own + absl::Seconds(10));
  EXPECT_EQ(holds.held(), 0u);
}

}  // namespace
}  // namespace tallybus
