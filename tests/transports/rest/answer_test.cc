// What counts of an answer, and what is forgotten.
#include "transports/rest/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace tallybus::rest {
namespace {

using ::testing::SizeIs;

class AnswerJudgedTest : public ::testing::Test {
 protected:
  DeliveryResult Judge(int code = 200) { return answer_.Judge(code, "peer:80", counters_, now_); }
  DeliveryResult WithField(std::string_view name, std::string_view value, int code = 503) {
    answer_.Begin(true, 0);
    answer_.TakePhrase("");
    answer_.TakeField(name, value);
    return Judge(code);
  }
  // All pieces up to the one where it is cut.
  void TakeBytes(size_t bytes, size_t piece) {
    for (size_t taken = 0; taken < bytes; taken += piece) {
      if (!answer_.TakeBody(std::string(std::min(piece, bytes - taken), 'x'))) return;
    }
  }

  Metrics metrics_;
  const RouteCounters counters_{metrics_, "app/backend"};
  const absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  Answer answer_;
};

TEST_F(AnswerJudgedTest, HasItsCodePhraseAndBody) {
  answer_.Begin(true, 0);
  answer_.TakePhrase("Not Today");
  EXPECT_TRUE(answer_.TakeBody("one "));
  EXPECT_TRUE(answer_.TakeBody("two"));
  const auto result = Judge(403);
  EXPECT_EQ(result.verdict, Verdict::kHold);
  EXPECT_EQ(result.remote_code, 403);
  EXPECT_EQ(result.reason, "Not Today");
  EXPECT_EQ(result.answer, "one two");
  EXPECT_FALSE(result.answer_cut);
  EXPECT_EQ(result.retry_after, absl::ZeroDuration());
}

TEST_F(AnswerJudgedTest, WithoutAPhraseHasTheStandardOne) {
  answer_.Begin(true, 0);
  EXPECT_EQ(Judge(410).reason, "Gone");
}

TEST_F(AnswerJudgedTest, FieldNamesAndWordsCountInAnyCaseAndAreTrimmed) {
  for (const char* name : {"Retry-After", "retry-after", "RETRY-AFTER"}) {
    for (const char* value : {"7", " 7", "\t7 \r\n"}) {
      EXPECT_EQ(WithField(name, value).retry_after, absl::Seconds(7)) << name << value;
    }
  }
  for (const char* value : {"disable", " DISABLE\r\n", "\tDisable "}) {
    EXPECT_EQ(WithField("Webhook-Delivery", value, 200).verdict, Verdict::kGone) << value;
  }
}

TEST_F(AnswerJudgedTest, OtherFieldsAndValuesDoNotCount) {
  for (const char* name : {"retry-after-x", "x-retry-after", "retry", ""}) {
    EXPECT_EQ(WithField(name, "7").retry_after, absl::ZeroDuration()) << name;
  }
  EXPECT_EQ(WithField("webhook-delivery", "enable", 200).verdict, Verdict::kDelivered);
  EXPECT_EQ(WithField("webhook-delivery", "", 200).verdict, Verdict::kDelivered);
  EXPECT_EQ(WithField("webhook-delivery-x", "disable", 200).verdict, Verdict::kDelivered);
}

TEST_F(AnswerJudgedTest, ARetryAfterDateIsTakenFromNow) {
  const std::string date =
      absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", now_ + absl::Seconds(100), absl::UTCTimeZone());
  EXPECT_EQ(WithField("Retry-After", date).retry_after, absl::Seconds(100));
}

TEST_F(AnswerJudgedTest, AHintThatIsNoTimeIsCounted) {
  EXPECT_EQ(WithField("Retry-After", "soon").retry_after, absl::ZeroDuration());
  EXPECT_EQ(WithField("Retry-After", std::string(1000, 'x')).verdict, Verdict::kRetryLater);
  EXPECT_EQ(counters_.hints_ignored.Value(), 2u);
  EXPECT_EQ(WithField("Retry-After", "").retry_after, absl::ZeroDuration());
  EXPECT_EQ(counters_.hints_ignored.Value(), 2u);
}

TEST_F(AnswerJudgedTest, TheFieldsOfAnInterimAnswerDoNotCount) {
  answer_.Begin(true, 0);
  answer_.TakePhrase("Early Hints");
  answer_.TakeField("Retry-After", "7");
  answer_.TakeField("webhook-delivery", "disable");
  answer_.TakePhrase("OK");
  const auto result = Judge(200);
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_EQ(result.reason, "OK");
  EXPECT_EQ(result.retry_after, absl::ZeroDuration());
}

TEST_F(AnswerJudgedTest, MayBeLongerThan64KiBByTheRequestsSize) {
  constexpr size_t kRequest = 1000;
  for (size_t piece : {size_t{1}, size_t{777}, size_t{16384}, size_t{1} << 20}) {
    answer_.Begin(true, kRequest);
    TakeBytes(kMaxAnswerBytes + kRequest, piece);
    EXPECT_FALSE(answer_.is_cut()) << piece;
    auto result = Judge();
    EXPECT_FALSE(result.answer_cut);
    EXPECT_THAT(result.answer, SizeIs(kMaxAnswerBytes)) << piece;

    answer_.Begin(true, kRequest);
    TakeBytes(kMaxAnswerBytes + kRequest + 1, piece);
    EXPECT_TRUE(answer_.is_cut()) << piece;
    result = Judge();
    EXPECT_TRUE(result.answer_cut);
    EXPECT_EQ(result.verdict, Verdict::kDelivered);
    EXPECT_THAT(result.answer, SizeIs(kMaxAnswerBytes)) << piece;
  }
  EXPECT_EQ(counters_.answers_cut.Value(), 4u);
}

TEST_F(AnswerJudgedTest, IsBoundedButNotKeptWhereNobodyReadsIt) {
  answer_.Begin(false, 0);
  TakeBytes(kMaxAnswerBytes + 1, 4096);
  EXPECT_TRUE(answer_.is_cut());
  EXPECT_EQ(Judge().answer, "");
}

TEST_F(AnswerJudgedTest, ForgetsTheOneBefore) {
  answer_.Begin(true, 0);
  answer_.TakePhrase("Busy");
  answer_.TakeField("Retry-After", "7");
  answer_.TakeField("webhook-delivery", "disable");
  TakeBytes(kMaxAnswerBytes + 1, 4096);
  answer_.Begin(true, 0);
  EXPECT_FALSE(answer_.is_cut());
  EXPECT_TRUE(answer_.TakeBody(std::string(kMaxAnswerBytes, 'y')));
  const auto result = Judge(200);
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_EQ(result.reason, "OK");
  EXPECT_EQ(result.answer, std::string(kMaxAnswerBytes, 'y'));
  EXPECT_FALSE(result.answer_cut);
  EXPECT_EQ(result.retry_after, absl::ZeroDuration());
}

}  // namespace
}  // namespace tallybus::rest
