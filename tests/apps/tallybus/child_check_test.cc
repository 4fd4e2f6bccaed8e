// Checks in processes of their own.
#include "apps/tallybus/child_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace tallybus::cli {
namespace {

using conformance::Outcome;
using ::testing::HasSubstr;

Outcome InChild(const std::function<Outcome()>& check, absl::Duration limit = absl::Seconds(60)) {
  return RunInChild(check, limit);
}

TEST(ChildCheckTest, AnOutcomeComesBack) {
  const Outcome outcome = InChild([] { return Outcome{Outcome::Kind::kNotChecked, "why\nnot"}; });
  EXPECT_EQ(outcome.kind, Outcome::Kind::kNotChecked);
  EXPECT_EQ(outcome.why, "why\nnot");
  EXPECT_EQ(InChild([] { return Outcome{}; }).kind, Outcome::Kind::kOk);
}

TEST(ChildCheckTest, WhatEndsTheProcessHasFailed) {
  EXPECT_EQ(InChild([]() -> Outcome {
              raise(SIGKILL);
              return {};
            }).why,
            "the plugin ended its process: Killed");
  EXPECT_EQ(InChild([]() -> Outcome { _exit(0); }).why, "the plugin ended its process");
  EXPECT_EQ(InChild([]() -> Outcome { throw std::runtime_error("thrown"); }).why, "thrown");
}

TEST(ChildCheckTest, WhatHangsIsEnded) {
  const Outcome outcome = InChild(
      []() -> Outcome {
        for (;;) pause();
      },
      absl::Milliseconds(50));
  EXPECT_EQ(outcome.kind, Outcome::Kind::kFailed);
  EXPECT_THAT(outcome.why, HasSubstr("it hangs"));
}

}  // namespace
}  // namespace tallybus::cli
