// Checks in processes of their own.
#include "apps/tallybus/child_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
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

TEST(ChildCheckTest, WhatHangsIsEndedAlsoWhereItHasClosedItsPipe) {
  for (const bool closes : {false, true}) {
    const Outcome outcome = InChild(
        [closes]() -> Outcome {
          if (closes) close_range(3, ~0U, 0);
          for (;;) pause();
        },
        absl::Milliseconds(50));
    EXPECT_EQ(outcome.kind, Outcome::Kind::kFailed);
    EXPECT_THAT(outcome.why, HasSubstr("it hangs"));
  }
}

// A signal that is heard, and of which no call of the system is begun again by itself.
class HeardSignal {
 public:
  HeardSignal() {
    struct sigaction heard = {};
    heard.sa_handler = [](int) {};
    sigaction(SIGUSR1, &heard, &before_);
  }
  ~HeardSignal() { sigaction(SIGUSR1, &before_, nullptr); }

  // From the child, again and again, so that some come while the parent waits.
  static void Send() {
    for (int i = 0; i < 2000; ++i) {
      kill(getppid(), SIGUSR1);
      sched_yield();
    }
  }

 private:
  struct sigaction before_ = {};
};

TEST(ChildCheckTest, ASignalDoesNotEndTheWaitForAnOutcome) {
  const HeardSignal heard;
  const Outcome outcome = InChild([] {
    HeardSignal::Send();
    return Outcome{Outcome::Kind::kNotChecked, "why"};
  });
  EXPECT_EQ(outcome.why, "why");
}

TEST(ChildCheckTest, ASignalDoesNotEndTheWaitForTheEndOfOneThatClosedItsPipe) {
  const HeardSignal heard;
  const Outcome outcome = InChild([]() -> Outcome {
    close_range(3, ~0U, 0);
    HeardSignal::Send();
    raise(SIGKILL);
    return {};
  });
  EXPECT_EQ(outcome.why, "the plugin ended its process: Killed");
}

}  // namespace
}  // namespace tallybus::cli
