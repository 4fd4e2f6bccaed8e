// Results of plugins, good and bad.
#include "plugins/loader/result.h"

#include <gtest/gtest.h>

#include <string>

namespace tallybus::loader {
namespace {

tallybus_bytes Text(const std::string& text) { return {text.data(), text.size()}; }

tallybus_result Result(tallybus_verdict verdict) {
  tallybus_result result = {};
  result.struct_size = sizeof result;
  result.verdict = verdict;
  return result;
}

TEST(ResultTest, EveryFieldIsTaken) {
  tallybus_result written = Result(TALLYBUS_RETRY_LATER);
  written.flags =
      TALLYBUS_RESULT_NEVER_SENT | TALLYBUS_RESULT_CONNECTION_REUSED | TALLYBUS_RESULT_ANSWER_CUT;
  written.retry_after_ms = 7000;
  written.remote_code = 503;
  const std::string reason = "busy\r\n";
  const std::string detail = "queue 7";
  const std::string answer = "later\n";
  written.reason = Text(reason);
  written.detail = Text(detail);
  written.answer = Text(answer);
  const auto result = ReadResult(&written, {.want_answer = true});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->verdict, Verdict::kRetryLater);
  EXPECT_EQ(result->retry_after, absl::Seconds(7));
  EXPECT_EQ(result->remote_code, 503);
  EXPECT_TRUE(result->never_sent);
  EXPECT_TRUE(result->connection_reused);
  EXPECT_TRUE(result->answer_cut);
  EXPECT_EQ(result->reason, "busy??") << "cleaned";
  EXPECT_EQ(result->answer, "later\n") << "as it came";
  EXPECT_EQ(result->status, absl::UnavailableError("queue 7"));
}

TEST(ResultTest, AnAnswerThatNobodyReadsIsLeftAndALongOneIsCut) {
  const std::string answer(70'000, 'a');
  tallybus_result written = Result(TALLYBUS_DELIVERED);
  written.answer = Text(answer);
  EXPECT_EQ(ReadResult(&written, {})->answer, "");
  const auto cut = ReadResult(&written, {.want_answer = true});
  EXPECT_EQ(cut->answer.size(), 65536u);
  EXPECT_TRUE(cut->answer_cut);
  EXPECT_TRUE(cut->status.ok());
}

TEST(ResultTest, WhatIsNotDeliveredHasAReasonAndAStatus) {
  for (int verdict = TALLYBUS_RETRY_LATER; verdict <= TALLYBUS_GONE; ++verdict) {
    const tallybus_result written = Result(static_cast<tallybus_verdict>(verdict));
    const auto result = ReadResult(&written, {});
    EXPECT_FALSE(result->reason.empty()) << verdict;
    EXPECT_FALSE(result->status.ok()) << verdict;
  }
}

TEST(ResultTest, NeverSentAndStoppedCountWhereTheyCanBeTrue) {
  tallybus_result written = Result(TALLYBUS_DELIVERED);
  written.flags = TALLYBUS_RESULT_NEVER_SENT | TALLYBUS_RESULT_STOPPED;
  written.remote_code = -1;
  EXPECT_FALSE(ReadResult(&written, {.stopping = true})->never_sent);
  EXPECT_TRUE(ReadResult(&written, {.stopping = true})->status.ok());
  EXPECT_EQ(ReadResult(&written, {})->remote_code, 0);
  written.verdict = TALLYBUS_RETRY_LATER;
  EXPECT_EQ(ReadResult(&written, {.stopping = true})->status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ReadResult(&written, {})->status.code(), absl::StatusCode::kUnavailable)
      << "nobody stops it: an event would be tried for ever";
}

TEST(ResultTest, AHoldOfAMethodIsOneOfAHoldAlone) {
  tallybus_result written = Result(TALLYBUS_HOLD);
  EXPECT_FALSE(ReadResult(&written, {})->hold_method);
  written.flags = TALLYBUS_RESULT_HOLD_METHOD;
  EXPECT_TRUE(ReadResult(&written, {})->hold_method);
  written.verdict = TALLYBUS_REJECTED;
  EXPECT_FALSE(ReadResult(&written, {})->hold_method);
}

TEST(ResultTest, WhatCannotBeReadIsRefused) {
  EXPECT_FALSE(ReadResult(nullptr, {}).ok());
  tallybus_result written = Result(TALLYBUS_DELIVERED);
  for (const size_t size : {size_t{0}, size_t{7}, size_t{4097}}) {
    written.struct_size = size;
    EXPECT_FALSE(ReadResult(&written, {}).ok()) << size;
  }
  for (const int verdict : {-1, 5, 99}) {
    written = Result(static_cast<tallybus_verdict>(verdict));
    EXPECT_FALSE(ReadResult(&written, {}).ok()) << verdict;
  }
  for (tallybus_bytes tallybus_result::*bytes :
       {&tallybus_result::reason, &tallybus_result::detail, &tallybus_result::answer}) {
    written = Result(TALLYBUS_DELIVERED);
    written.*bytes = {nullptr, 1};
    EXPECT_FALSE(ReadResult(&written, {}).ok());
  }
}

TEST(ResultTest, AnOlderResultIsReadAsFarAsItReaches) {
  struct {
    tallybus_result result;
  } older = {Result(TALLYBUS_REJECTED)};
  older.result.struct_size = offsetof(tallybus_result, reason);
  older.result.reason = {nullptr, 9};  // not its own
  const auto result = ReadResult(&older.result, {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->verdict, Verdict::kRejected);
}

}  // namespace
}  // namespace tallybus::loader
