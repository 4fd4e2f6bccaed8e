// What a result means under `delivery: notify`, as a table.
#include "policy/failure_policy.h"

#include <gtest/gtest.h>

#include "tests/support/event_builder.h"
#include "tests/support/scripted_transport.h"

namespace tallybus {
namespace {

using Then = Judgement::Then;
using testing::Answered;

struct Case {
  const char* name;
  DeliveryResult result;
  bool failed;
  Then then;
  bool strict = false;
  RetrySchedule::Kind retry = RetrySchedule::Kind::kLive;
  bool keep_alive = false;
  absl::Duration for_time = absl::ZeroDuration();
};

void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

DeliveryResult Cut(DeliveryResult result) {
  result.answer_cut = true;
  return result;
}

DeliveryResult Without(Verdict verdict) {
  DeliveryResult result;
  result.verdict = verdict;
  return result;
}

class FailurePolicyTest : public ::testing::TestWithParam<Case> {};

TEST_P(FailurePolicyTest, FollowsTheTable) {
  const Case& c = GetParam();
  auto route = std::make_shared<Route>();
  route->strict_success = c.strict;
  route->retry.kind = c.retry;
  Event event = testing::StatusEvent("a", "PUBLISHING");
  if (c.keep_alive) event.method = kStreamKeepAliveEvent;
  SpoolRow row;
  row.route = route;
  row.event = std::make_shared<const Event>(event);
  const Judgement judgement = Judge(row, c.result,
                                    {.attempts = 1,
                                     .for_time = c.for_time,
                                     .terminal = false,
                                     .retry_after = absl::ZeroDuration()});
  EXPECT_EQ(judgement.failed, c.failed);
  EXPECT_EQ(judgement.then, c.then);
  EXPECT_EQ(judgement.retry_step,
            c.then == Then::kRetry ? absl::Milliseconds(500) : absl::ZeroDuration());
}

constexpr auto kNone = RetrySchedule::Kind::kNone;
constexpr auto kLive = RetrySchedule::Kind::kLive;

INSTANTIATE_TEST_SUITE_P(
    Answers, FailurePolicyTest,
    ::testing::Values(Case{"200", Answered(200), false, Then::kSettle},
                      Case{"204", Answered(204), false, Then::kSettle},
                      Case{"301", Answered(301), true, Then::kSettle},
                      Case{"403", Answered(403), true, Then::kSettle},
                      Case{"410", Answered(410), true, Then::kSettle},
                      Case{"500", Answered(500), true, Then::kSettle},
                      Case{"503", Answered(503), true, Then::kSettle},
                      Case{"cut", Cut(Answered(200)), true, Then::kSettle},
                      Case{"strict 200", Answered(200), false, Then::kSettle, true},
                      Case{"strict 204", Answered(204), true, Then::kSettle, true},
                      Case{"strict 299", Answered(299), true, Then::kSettle, true}));

INSTANTIATE_TEST_SUITE_P(
    AnswersOfTransportsWithoutCodes, FailurePolicyTest,
    ::testing::Values(Case{"delivered", Without(Verdict::kDelivered), false, Then::kSettle},
                      Case{"strict delivered", Without(Verdict::kDelivered), false, Then::kSettle,
                           true},
                      Case{"rejected", Without(Verdict::kRejected), true, Then::kSettle},
                      Case{"hold", Without(Verdict::kHold), true, Then::kSettle},
                      Case{"gone", Without(Verdict::kGone), true, Then::kSettle}));

INSTANTIATE_TEST_SUITE_P(
    NoAnswer, FailurePolicyTest,
    ::testing::Values(
        Case{"live", testing::Refused(), true, Then::kRetry},
        Case{"none", testing::Refused(), true, Then::kGiveUp, false, kNone},
        Case{"too long", testing::TimedOut(), true, Then::kGiveUp, false, kLive, false,
             absl::Minutes(15)},
        Case{"keep-alive", testing::TimedOut(), true, Then::kGiveUp, false, kLive, true},
        Case{"keep-alive answered", Answered(403), true, Then::kSettle, false, kLive, true}));

}  // namespace
}  // namespace tallybus
