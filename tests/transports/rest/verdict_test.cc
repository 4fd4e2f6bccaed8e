// The table of verdicts, phrases and hints.
#include "transports/rest/verdict.h"

#include <curl/curl.h>
#include <gtest/gtest.h>

namespace tallybus::rest {
namespace {

TEST(VerdictTest, FollowsTheTableForEveryCode) {
  for (int code = 200; code < 1000; ++code) {
    Verdict expected = Verdict::kRejected;
    if (code < 300) expected = Verdict::kDelivered;
    if (code == 408 || code == 425 || code == 429) expected = Verdict::kRetryLater;
    if (code >= 500 && code < 600 && code != 501 && code != 505) expected = Verdict::kRetryLater;
    if (code == 401 || code == 407) expected = Verdict::kHold;
    if (code == 403 || code == 404 || code == 405) expected = Verdict::kHold;
    if (code == 410) expected = Verdict::kGone;
    EXPECT_EQ(VerdictOf(code, false), expected) << code;
  }
}

TEST(VerdictTest, AnEndpointThatDisablesItselfIsGoneWhateverItAnswers) {
  for (int code : {200, 302, 400, 401, 410, 429, 503}) {
    EXPECT_EQ(VerdictOf(code, true), Verdict::kGone) << code;
  }
}

TEST(VerdictTest, EveryFailureOfLibcurlHasOneOfTheFiveWords) {
  for (int code = 1; code < CURL_LAST; ++code) {
    const auto reason = ReasonOf(code);
    EXPECT_TRUE(reason == kConnectionRefused || reason == kConnectionReset || reason == kTimedOut ||
                reason == kTlsFailure || reason == kHostNotFound)
        << code;
  }
  EXPECT_EQ(ReasonOf(CURLE_COULDNT_RESOLVE_HOST), "host not found");
  EXPECT_EQ(ReasonOf(CURLE_COULDNT_CONNECT), "connection refused");
  EXPECT_EQ(ReasonOf(CURLE_OPERATION_TIMEDOUT), "timed out");
  EXPECT_EQ(ReasonOf(CURLE_PEER_FAILED_VERIFICATION), "TLS failure");
  EXPECT_EQ(ReasonOf(CURLE_SSL_CONNECT_ERROR), "TLS failure");
  EXPECT_EQ(ReasonOf(CURLE_GOT_NOTHING), "connection reset");
  EXPECT_EQ(ReasonOf(CURLE_RECV_ERROR), "connection reset");
  EXPECT_EQ(ReasonOf(CURLE_SEND_ERROR), "connection reset");
  EXPECT_EQ(ReasonOf(CURLE_PARTIAL_FILE), "connection reset");
}

TEST(VerdictTest, AnAlertAboutTheClientsCertificateIsKnownByItsText) {
  const std::string head = "OpenSSL SSL_read: OpenSSL/3.0.19: error:0A00045C:SSL routines::";
  EXPECT_EQ(CertificateAlert(head + "tlsv13 alert certificate required, errno 0", false),
            "the peer wants a client certificate");
  EXPECT_EQ(CertificateAlert(head + "tlsv1 alert unknown ca, errno 0", true),
            "the peer does not take the client certificate");
  EXPECT_EQ(CertificateAlert(head + "tlsv1 alert internal error, errno 0", true), "");
  EXPECT_EQ(CertificateAlert("SSL certificate problem: certificate has expired", false), "");
  EXPECT_EQ(CertificateAlert("", false), "");
}

TEST(VerdictTest, ThePhraseIsWhatFollowsTheCode) {
  EXPECT_EQ(PhraseOf("HTTP/1.1 404 Not Found\r\n"), "Not Found");
  EXPECT_EQ(PhraseOf("HTTP/1.1 503 Gone  fishing \r\n"), "Gone  fishing");
  EXPECT_EQ(PhraseOf("HTTP/1.1 200\r\n"), "");
  EXPECT_EQ(PhraseOf("HTTP/2 200 \r\n"), "");
  EXPECT_EQ(PhraseOf("HTTP/2\r\n"), "");
}

TEST(VerdictTest, ThePhraseIsCleanAndShort) {
  EXPECT_EQ(PhraseOf("HTTP/1.1 500 a\x01"
                     "b\tc\x7f"
                     "d\xff\xc2\x9b"
                     "e\r\n"),
            "abcde");
  EXPECT_EQ(PhraseOf("HTTP/1.1 500 " + std::string(256, 'x') + "\r\n"), std::string(256, 'x'));
  EXPECT_EQ(PhraseOf("HTTP/1.1 500 " + std::string(257, 'x') + "\r\n"), std::string(256, 'x'));
}

TEST(VerdictTest, KnowsTheStandardPhrases) {
  EXPECT_EQ(StandardPhrase(200), "OK");
  EXPECT_EQ(StandardPhrase(204), "No Content");
  EXPECT_EQ(StandardPhrase(404), "Not Found");
  EXPECT_EQ(StandardPhrase(503), "Service Unavailable");
  EXPECT_EQ(StandardPhrase(599), "Unknown Status");
  EXPECT_EQ(StandardPhrase(499), "Unknown Status");
  EXPECT_EQ(StandardPhrase(999), "Unknown Status");
}

class RetryAfterTest : public ::testing::Test {
 protected:
  // Sunday, 6 November 1994, 08:49:37
  const absl::Time now_ = absl::FromUnixSeconds(784111777);
};

TEST_F(RetryAfterTest, TakesSeconds) {
  EXPECT_EQ(ParseRetryAfter("0", now_), absl::ZeroDuration());
  EXPECT_EQ(ParseRetryAfter(" 120 ", now_), absl::Seconds(120));
  EXPECT_EQ(ParseRetryAfter("99999999999999999999999999", now_), absl::Hours(24 * 365));
}

TEST_F(RetryAfterTest, TakesAllThreeFormsOfADate) {
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:50:37 GMT", now_), absl::Seconds(60));
  EXPECT_EQ(ParseRetryAfter("Sunday, 06-Nov-94 08:50:37 GMT", now_), absl::Seconds(60));
  EXPECT_EQ(ParseRetryAfter("Sun Nov  6 08:50:37 1994", now_), absl::Seconds(60));
}

TEST_F(RetryAfterTest, ADateInThePastMeansNow) {
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:00 GMT", now_), absl::ZeroDuration());
}

TEST_F(RetryAfterTest, GarbageIsNoHint) {
  for (const char* value : {"", " ", "soon", "-5", "+5", "12abc", "1.5", "0x10", "5 minutes",
                            "Sun, 06 Nov 1994", "Sun, 99 Nov 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(ParseRetryAfter(value, now_)) << value;
  }
}

TEST(StatusTest, NamesThePeerAndWhatItAnswered) {
  EXPECT_TRUE(StatusOf(Verdict::kDelivered, "h:80", 204, "No Content").ok());
  const auto status = StatusOf(Verdict::kRetryLater, "h:80", 503, "Busy");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "h:80 answered 503 Busy");
}

TEST(StatusTest, ADetailCannotBreakTheLine) {
  const auto status = StatusOfNoAnswer("h:80", kTimedOut, "a\r\nb");
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status.message(), "h:80: timed out (ab)");
}

}  // namespace
}  // namespace tallybus::rest
