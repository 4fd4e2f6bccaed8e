// Numbers as a person reads them.
#include "trace_words.h"

#include <absl/time/civil_time.h>
#include <gtest/gtest.h>

namespace tallybus {
namespace {

TEST(TraceWordsTest, SaysHowLongSomethingTook) {
  EXPECT_EQ(HowLong(absl::Microseconds(900)), "0 ms");
  EXPECT_EQ(HowLong(absl::Milliseconds(999)), "999 ms");
  EXPECT_EQ(HowLong(absl::Milliseconds(4250)), "4.2 s");
  EXPECT_EQ(HowLong(absl::Milliseconds(59999)), "59.9 s");
  EXPECT_EQ(HowLong(absl::Seconds(2332)), "38 min 52 s");
  EXPECT_EQ(HowLong(absl::Minutes(185)), "3 h 5 min");
  EXPECT_EQ(HowLong(absl::Hours(72)), "72 h 0 min");
  EXPECT_EQ(HowLong(-absl::Hours(1)), "0 ms");
}

TEST(TraceWordsTest, NamesTheDayWhereItIsNotToday) {
  const absl::TimeZone zone = absl::FixedTimeZone(2 * 3600);
  const absl::Time now = absl::FromCivil(absl::CivilSecond(2026, 2, 1, 0, 30, 0), zone);
  EXPECT_EQ(TimeOfDay(now - absl::Minutes(29), now, zone), "00:01:00");
  EXPECT_EQ(TimeOfDay(now - absl::Minutes(31), now, zone), "2026-01-31 23:59:00");
}

TEST(TraceWordsTest, CountsAttempts) {
  const std::pair<int, const char*> expected[] = {
      {1, "1st"},   {2, "2nd"},   {3, "3rd"},     {4, "4th"},     {11, "11th"},    {12, "12th"},
      {13, "13th"}, {22, "22nd"}, {101, "101st"}, {111, "111th"}, {1003, "1003rd"}};
  for (const auto& [number, words] : expected) EXPECT_EQ(Ordinal(number), words);
}

TEST(TraceWordsTest, GivesAReasonForEveryFailure) {
  TracedAttempt attempt;
  EXPECT_EQ(FailureWords(attempt), "no answer");
  attempt.info = "connection refused";
  EXPECT_EQ(FailureWords(attempt), "connection refused");
  attempt.http_status = 503;
  attempt.info = "Service Unavailable";
  EXPECT_EQ(FailureWords(attempt), "503 Service Unavailable");
  attempt.info = "";
  EXPECT_EQ(FailureWords(attempt), "503");
}

TEST(TraceWordsTest, GivesAReasonForEveryEventThatIsNeverSent) {
  TracedEvent event;
  event.method = "StreamStatusEvent";
  TracedRoute way;
  way.route = "live";
  way.not_sent = NotSentReason::kNoBackend;
  EXPECT_EQ(NeverSentWords(event, way), "never sent: no backend for the app live");
  way.not_sent = NotSentReason::kNoRoute;
  EXPECT_EQ(NeverSentWords(event, way), "never sent: no route takes StreamStatusEvent of live");
  way.not_sent = NotSentReason::kRestPolicyDisable;
  EXPECT_EQ(NeverSentWords(event, way), "never sent: restPolicy DISABLE for StreamStatusEvent");
  way.route = "live/backend";
  way.not_sent = NotSentReason::kMethodNotListed;
  EXPECT_EQ(NeverSentWords(event, way),
            "never sent: live/backend does not list the method StreamStatusEvent");
}

}  // namespace
}  // namespace tallybus
