// What a result means for its event and its endpoint, as tables.
#include "policy/failure_policy.h"

#include <gtest/gtest.h>

#include "tests/support/event_builder.h"

namespace tallybus {
namespace {

using Then = Judgement::Then;
using Sign = EndpointSign::Kind;

constexpr auto kNotify = DeliveryMode::kNotify;
constexpr auto kGuaranteed = DeliveryMode::kGuaranteed;

DeliveryResult Result(Verdict verdict, int code = 0) {
  DeliveryResult result;
  result.verdict = verdict;
  result.remote_code = code;
  return result;
}
DeliveryResult NoAnswer() { return Result(Verdict::kRetryLater); }
DeliveryResult Taken(int code) { return Result(Verdict::kDelivered, code); }
DeliveryResult Later(int code) { return Result(Verdict::kRetryLater, code); }
DeliveryResult OfMethod(DeliveryResult result) {
  result.hold_method = true;
  return result;
}
DeliveryResult Held(int code) { return Result(Verdict::kHold, code); }
DeliveryResult Rejected(int code) { return Result(Verdict::kRejected, code); }
DeliveryResult Gone(int code) { return Result(Verdict::kGone, code); }
DeliveryResult Cut(DeliveryResult result) {
  result.answer_cut = true;
  return result;
}

class FailurePolicyTest : public ::testing::Test {
 protected:
  Judgement JudgeIt(const DeliveryResult& result) const {
    SpoolRow row;
    row.delivery = route.delivery;
    row.event = std::make_shared<const Event>(event);
    Trying judged = trying;
    judged.retry_after = result.retry_after;
    return Judge(route, row, result, judged);
  }

  Route route;
  Event event = testing::StatusEvent("a", "PUBLISHING");
  Trying trying;
};

struct Case {
  const char* name;
  DeliveryMode delivery;
  DeliveryResult result;
  Then then;
  bool failed;
  Sign sign;
  bool burns = true;
};

void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

class FailurePolicyTable : public FailurePolicyTest, public ::testing::WithParamInterface<Case> {};

TEST_P(FailurePolicyTable, IsFollowed) {
  const Case& c = GetParam();
  route.delivery = c.delivery;
  const Judgement judgement = JudgeIt(c.result);
  EXPECT_EQ(judgement.then, c.then);
  EXPECT_EQ(judgement.failed, c.failed);
  EXPECT_EQ(judgement.burns_attempt, c.burns);
  EXPECT_EQ(judgement.sign.kind, c.sign);
  EXPECT_EQ(judgement.sign.code, c.result.remote_code);
  EXPECT_EQ(judgement.sign.reason,
            c.sign == Sign::kTrouble || c.sign == Sign::kHold || c.sign == Sign::kHoldMethod
                ? c.result.reason
                : "");
  const bool waits_its_step = c.then == Then::kRetry && c.burns;
  EXPECT_EQ(judgement.retry_step.step,
            waits_its_step ? absl::Milliseconds(500) : absl::ZeroDuration());
}

INSTANTIATE_TEST_SUITE_P(
    AnyAnswerSettlesANotification, FailurePolicyTable,
    ::testing::Values(Case{"200", kNotify, Taken(200), Then::kSettle, false, Sign::kTaken},
                      Case{"204", kNotify, Taken(204), Then::kSettle, false, Sign::kTaken},
                      Case{"301", kNotify, Rejected(301), Then::kSettle, true, Sign::kAnswered},
                      Case{"401", kNotify, Held(401), Then::kSettle, true, Sign::kAnswered},
                      Case{"404", kNotify, Held(404), Then::kSettle, true, Sign::kAnswered},
                      Case{"410", kNotify, Gone(410), Then::kSettle, true, Sign::kAnswered},
                      Case{"429", kNotify, Later(429), Then::kSettle, true, Sign::kAnswered},
                      Case{"500", kNotify, Later(500), Then::kSettle, true, Sign::kAnswered},
                      Case{"cut", kNotify, Cut(Taken(200)), Then::kSettle, true, Sign::kAnswered},
                      Case{"no answer", kNotify, NoAnswer(), Then::kRetry, true, Sign::kTrouble}));

INSTANTIATE_TEST_SUITE_P(
    ATransportWithoutCodesAnswersByItsVerdict, FailurePolicyTable,
    ::testing::Values(Case{"taken", kNotify, Taken(0), Then::kSettle, false, Sign::kTaken},
                      Case{"rejected", kNotify, Rejected(0), Then::kSettle, true, Sign::kAnswered},
                      Case{"hold", kNotify, Held(0), Then::kSettle, true, Sign::kAnswered},
                      Case{"gone", kNotify, Gone(0), Then::kSettle, true, Sign::kAnswered},
                      Case{"guaranteed", kGuaranteed, Held(0), Then::kRetry, true, Sign::kHold,
                           false},
                      Case{"of the method", kGuaranteed, OfMethod(Held(0)), Then::kRetry, true,
                           Sign::kHoldMethod, false}));

INSTANTIATE_TEST_SUITE_P(
    OnlyADefiniteVerdictSettlesAGuaranteedEvent, FailurePolicyTable,
    ::testing::Values(
        Case{"200", kGuaranteed, Taken(200), Then::kSettle, false, Sign::kTaken},
        Case{"204", kGuaranteed, Taken(204), Then::kSettle, false, Sign::kTaken},
        Case{"cut", kGuaranteed, Cut(Taken(200)), Then::kSettle, true, Sign::kAnswered},
        Case{"no answer", kGuaranteed, NoAnswer(), Then::kRetry, true, Sign::kTrouble},
        Case{"408", kGuaranteed, Later(408), Then::kRetry, true, Sign::kTrouble},
        Case{"500", kGuaranteed, Later(500), Then::kRetry, true, Sign::kTrouble},
        Case{"401", kGuaranteed, Held(401), Then::kRetry, true, Sign::kHold, false},
        Case{"407", kGuaranteed, Held(407), Then::kRetry, true, Sign::kHold, false},
        Case{"403", kGuaranteed, Held(403), Then::kRetry, true, Sign::kHoldMethod, false},
        Case{"404", kGuaranteed, Held(404), Then::kRetry, true, Sign::kHoldMethod, false},
        Case{"405", kGuaranteed, Held(405), Then::kRetry, true, Sign::kHoldMethod, false},
        Case{"422", kGuaranteed, Rejected(422), Then::kReject, true, Sign::kAnswered},
        Case{"301", kGuaranteed, Rejected(301), Then::kReject, true, Sign::kAnswered},
        Case{"410", kGuaranteed, Gone(410), Then::kReject, true, Sign::kGone},
        Case{"disable", kGuaranteed, Gone(200), Then::kReject, true, Sign::kGone}));

TEST_F(FailurePolicyTest, AStrictRouteTakes200Alone) {
  route.strict_success = true;
  EXPECT_FALSE(JudgeIt(Taken(200)).failed);
  EXPECT_FALSE(JudgeIt(Taken(0)).failed);
  EXPECT_TRUE(JudgeIt(Taken(204)).failed);
  EXPECT_EQ(JudgeIt(Taken(299)).then, Then::kSettle);
  route.delivery = kGuaranteed;
  EXPECT_EQ(JudgeIt(Taken(200)).then, Then::kSettle);
  EXPECT_EQ(JudgeIt(Taken(204)).then, Then::kReject);
}

TEST_F(FailurePolicyTest, AnEventGivesUpAtTheEndOfItsSchedule) {
  trying.for_time = absl::Minutes(15);
  for (DeliveryMode delivery : {kNotify, kGuaranteed}) {
    route.delivery = delivery;
    EXPECT_EQ(JudgeIt(NoAnswer()).then, Then::kGiveUp);
  }
}

TEST_F(FailurePolicyTest, NoEventGivesUpForItsEndpointsSake) {
  trying.for_time = absl::Minutes(15);
  trying.in_outage = true;
  const Judgement judgement = JudgeIt(NoAnswer());
  EXPECT_EQ(judgement.then, Then::kRetry);
  EXPECT_FALSE(judgement.burns_attempt);
  EXPECT_EQ(JitteredDelay(judgement.retry_step, trying, 0.9), absl::ZeroDuration());
  EXPECT_EQ(judgement.sign.kind, Sign::kTrouble);
}

TEST_F(FailurePolicyTest, AHintIsHeededInAnOutageToo) {
  route.delivery = kGuaranteed;
  trying.in_outage = true;
  trying.retry_after = absl::Hours(1);
  EXPECT_EQ(JitteredDelay(JudgeIt(Later(500)).retry_step, trying, 0.9), absl::Seconds(15));
}

TEST_F(FailurePolicyTest, RetryNoneMakesEveryFailureFinal) {
  route.retry.kind = RetrySchedule::Kind::kNone;
  EXPECT_EQ(JudgeIt(NoAnswer()).then, Then::kGiveUp);
  route.delivery = kGuaranteed;
  for (bool in_outage : {false, true}) {
    trying.in_outage = in_outage;
    EXPECT_EQ(JudgeIt(NoAnswer()).then, Then::kGiveUp);
    EXPECT_EQ(JudgeIt(Later(503)).then, Then::kGiveUp);
    EXPECT_EQ(JudgeIt(Held(401)).then, Then::kGiveUp);
  }
  EXPECT_EQ(JudgeIt(Held(401)).sign.kind, Sign::kHold);
}

TEST_F(FailurePolicyTest, AnyOutcomeSettlesAKeepAliveAndTellsNothing) {
  event.method = kStreamKeepAliveEvent;
  for (DeliveryMode delivery : {kNotify, kGuaranteed}) {
    route.delivery = delivery;
    for (const DeliveryResult& result :
         {Taken(200), NoAnswer(), Later(503), Held(401), Held(404), Rejected(400), Gone(410)}) {
      const Judgement judgement = JudgeIt(result);
      EXPECT_EQ(judgement.then, Then::kSettle) << result.remote_code;
      EXPECT_EQ(judgement.failed, result.verdict != Verdict::kDelivered) << result.remote_code;
      EXPECT_EQ(judgement.sign.kind, Sign::kNothing) << result.remote_code;
    }
  }
}

TEST_F(FailurePolicyTest, TooManyRequestsAndUnavailableWithAHintPauseTheEndpoint) {
  const auto pause = [this](int code, absl::Duration retry_after) {
    DeliveryResult result = Later(code);
    result.retry_after = retry_after;
    return JudgeIt(result).sign.pause;
  };
  EXPECT_EQ(pause(503, absl::Seconds(3)), absl::ZeroDuration()) << "an answer settles it";
  route.delivery = kGuaranteed;
  EXPECT_EQ(pause(503, absl::Seconds(3)), absl::Seconds(3));
  EXPECT_EQ(pause(429, absl::Hours(1)), absl::Seconds(15));
  EXPECT_EQ(pause(500, absl::Seconds(3)), absl::ZeroDuration());
  EXPECT_EQ(pause(503, absl::ZeroDuration()), absl::ZeroDuration());
}

TEST_F(FailurePolicyTest, WhatCountsAgainstTheBreakerIsNoAnswerAndWhenGuaranteedRetryLater) {
  EXPECT_TRUE(JudgeIt(NoAnswer()).sign.counts_against_breaker());
  EXPECT_FALSE(JudgeIt(Later(500)).sign.counts_against_breaker());
  route.delivery = kGuaranteed;
  EXPECT_TRUE(JudgeIt(NoAnswer()).sign.counts_against_breaker());
  EXPECT_TRUE(JudgeIt(Later(500)).sign.counts_against_breaker());
  EXPECT_FALSE(JudgeIt(Rejected(400)).sign.counts_against_breaker());
  EXPECT_FALSE(JudgeIt(Held(401)).sign.counts_against_breaker());
}

}  // namespace
}  // namespace tallybus
