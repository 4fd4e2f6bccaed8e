// Tickets: each is completed once, whoever comes first.
#include "transports/parts/open_attempts.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/conformance/transport_bench.h"
#include "tests/support/manual_clock.h"

namespace tallybus::parts {
namespace {

using testing::ManualClock;

class OpenAttemptsTest : public ::testing::Test {
 protected:
  bool Begin(uint64_t ticket, absl::Duration timeout = absl::Seconds(10)) {
    const Parcel parcel{event_, "{}", "lane", 1, 1, false, false, 0};
    return attempts_.Begin(
        {Ticket{ticket}, {&parcel, 1}, endpoint_, clock_.Now() + timeout, false});
  }
  void Deliver(uint64_t ticket) {
    DeliveryResult delivered;
    delivered.verdict = Verdict::kDelivered;
    attempts_.Complete(Ticket{ticket}, std::move(delivered));
  }
  DeliveryResult ResultOf(uint64_t ticket) {
    return sink_.WaitFor(Ticket{ticket}).value_or(DeliveryResult{});
  }
  uint64_t Late() {
    return metrics_.GetCounter("tallybus_late_answers_total", "", {{"transport", "x"}}).Value();
  }

  const Event event_;
  const Endpoint endpoint_ = testing::EndpointAt("x://peer");
  testing::RecordingSink sink_;
  ManualClock clock_;
  Metrics metrics_;
  testing::SilentLog log_;
  OpenAttempts attempts_{TransportContext{sink_, clock_, metrics_, log_, 1}, "x"};
};

TEST_F(OpenAttemptsTest, NothingBeginsBeforeTheStart) {
  EXPECT_FALSE(Begin(1));
  EXPECT_TRUE(absl::IsCancelled(ResultOf(1).status));
  EXPECT_TRUE(ResultOf(1).never_sent);
}

TEST_F(OpenAttemptsTest, AnAnswerThatComesTwiceCountsOnce) {
  attempts_.Open();
  EXPECT_TRUE(Begin(1));
  Deliver(1);
  Deliver(1);
  EXPECT_EQ(sink_.Completions(Ticket{1}), 1);
  EXPECT_EQ(Late(), 1u);
}

TEST_F(OpenAttemptsTest, ADeadlineInThePastIsOverAtOnce) {
  attempts_.Open();
  EXPECT_FALSE(Begin(1, absl::ZeroDuration()));
  EXPECT_EQ(ResultOf(1).reason, "timed out");
}

TEST_F(OpenAttemptsTest, EachHasItsOwnDeadline) {
  attempts_.Open();
  Begin(1, absl::Seconds(2));
  Begin(2, absl::Seconds(1));
  EXPECT_TRUE(attempts_.Watch(absl::ZeroDuration()));
  EXPECT_EQ(sink_.total(), 0u);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(attempts_.Watch(absl::ZeroDuration()));
  EXPECT_EQ(ResultOf(2).reason, "timed out");
  EXPECT_EQ(sink_.total(), 1u);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(attempts_.Watch(absl::ZeroDuration()));
  EXPECT_EQ(ResultOf(1).reason, "timed out");
  Deliver(1);
  EXPECT_EQ(Late(), 1u);
}

TEST_F(OpenAttemptsTest, WhatNobodyReadWasNeverSent) {
  attempts_.Open();
  Begin(1, absl::Seconds(1));
  Begin(2, absl::Seconds(1));
  bool read = false;
  EXPECT_TRUE(attempts_.Read(Ticket{2}, [&] { read = true; }));
  EXPECT_TRUE(read);
  clock_.Advance(absl::Seconds(1));
  attempts_.Watch(absl::ZeroDuration());
  EXPECT_TRUE(ResultOf(1).never_sent);
  EXPECT_FALSE(ResultOf(2).never_sent);
}

TEST_F(OpenAttemptsTest, WhatIsOverIsNotRead) {
  attempts_.Open();
  Begin(1);
  Deliver(1);
  EXPECT_FALSE(attempts_.Read(Ticket{1}, [] { FAIL() << "its delivery is gone"; }));
}

TEST_F(OpenAttemptsTest, AStopLetsAnswersComeUntilItsDeadline) {
  attempts_.Open();
  Begin(1);
  Begin(2);
  attempts_.Stop(clock_.Now() + absl::Seconds(1));
  EXPECT_FALSE(Begin(3));
  EXPECT_TRUE(attempts_.Watch(absl::ZeroDuration()));
  Deliver(1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(attempts_.Watch(absl::ZeroDuration()));
  EXPECT_EQ(ResultOf(1).verdict, Verdict::kDelivered);
  EXPECT_TRUE(absl::IsCancelled(ResultOf(2).status));
  EXPECT_FALSE(attempts_.Watch(absl::ZeroDuration()));
}

TEST_F(OpenAttemptsTest, AStopWithNothingOpenIsOver) {
  attempts_.Open();
  attempts_.Stop(MonoTime::Infinite());
  EXPECT_FALSE(attempts_.Watch(absl::Hours(1)));
}

TEST_F(OpenAttemptsTest, WhatComesOnceItIsSeveredTouchesNothing) {
  attempts_.Open();
  attempts_.Stop(clock_.Now());
  EXPECT_FALSE(attempts_.Watch(absl::Seconds(1)));
  attempts_.Sever();
  Deliver(1);
  EXPECT_EQ(Late(), 0u);
  EXPECT_EQ(sink_.total(), 0u);
}

TEST_F(OpenAttemptsTest, TheLastAnswerEndsTheWaitOfAStop) {
  attempts_.Open();
  Begin(1, absl::Hours(2));
  attempts_.Stop(clock_.Now() + absl::Hours(1));
  std::thread watcher([this] {
    while (attempts_.Watch(absl::Hours(1))) {
    }
  });
  Deliver(1);
  watcher.join();
  EXPECT_EQ(sink_.Completions(Ticket{1}), 1);
}

}  // namespace
}  // namespace tallybus::parts
