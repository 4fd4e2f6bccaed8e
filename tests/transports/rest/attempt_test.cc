// What one attempt learns from its peer: answers of every kind, and none.
#include "transports/rest/attempt.h"

#include <gmock/gmock.h>

#include "tests/conformance/transport_bench.h"
#include "tests/support/scripted_server.h"
#include "transports/rest/rest_transport.h"

namespace tallybus::rest {
namespace {

using testing::Connection;
using testing::EndpointAt;
using ::testing::HasSubstr;
using testing::HttpRequest;
using ::testing::Not;
using testing::Script;
using testing::ScriptedServer;
using ::testing::SizeIs;

constexpr absl::Duration kShort = absl::Milliseconds(300);

// One attempt at a peer with this script; the answer is wanted.
class AnswerTest : public ::testing::Test {
 protected:
  DeliveryResult Try(Script script, absl::Duration timeout = absl::Seconds(10)) {
    ScriptedServer server(std::move(script));
    options_.want_answer = true;
    options_.timeout = timeout;
    return bench_.DeliverAndWait(EndpointAt(server.Url("/hooks?secret=hunter2"), ++endpoints_),
                                 options_);
  }
  DeliveryResult TryRaw(std::string bytes) {
    return Try([=](const HttpRequest&, Connection& c) {
      c.Send(bytes);
      c.Close();
    });
  }
  uint64_t Counted(const std::string& name) {
    return bench_.metrics.GetCounter(name, "", {{"route", "defaultApp/backend"}}).Value();
  }

  testing::TransportBench bench_{RestDescriptor()};
  testing::TransportBench::Options options_;
  uint64_t endpoints_ = 0;
};

void ExpectNoAnswer(const DeliveryResult& result, const std::string& reason) {
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.remote_code, 0);
  EXPECT_EQ(result.reason, reason);
  EXPECT_EQ(result.answer, "");
  EXPECT_FALSE(result.answer_cut);
  EXPECT_FALSE(result.status.ok());
}

TEST_F(AnswerTest, IsHandedOnWithItsCodeAndPhrase) {
  const auto result = Try(testing::AnswerWith(403, "Not Today", R"({"reason":"no"})"));
  EXPECT_EQ(result.verdict, Verdict::kHold);
  EXPECT_EQ(result.remote_code, 403);
  EXPECT_EQ(result.reason, "Not Today");
  EXPECT_EQ(result.answer, R"({"reason":"no"})");
  EXPECT_FALSE(result.answer_cut);
  EXPECT_FALSE(result.never_sent);
}

TEST_F(AnswerTest, IsNotKeptWhereNobodyReadsIt) {
  ScriptedServer server(testing::AnswerWith(200, "OK", "echo"));
  EXPECT_EQ(bench_.DeliverAndWait(EndpointAt(server.Url())).answer, "");
}

TEST_F(AnswerTest, WithoutAPhraseGetsTheStandardOne) {
  EXPECT_EQ(Try(testing::AnswerWith(503, "")).reason, "Service Unavailable");
}

TEST_F(AnswerTest, OfExactly64KiBIsWhole) {
  const auto result = Try(testing::SendBody(64 << 10));
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_FALSE(result.answer_cut);
  EXPECT_THAT(result.answer, SizeIs(64 << 10));
}

TEST_F(AnswerTest, IsCutBeyond64KiBAndTheRequestsSizeAndItsStatusCounts) {
  const auto result = Try(testing::SendBody(66 << 10));
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_EQ(result.remote_code, 200);
  EXPECT_TRUE(result.answer_cut);
  EXPECT_THAT(result.answer, SizeIs(64 << 10));
  EXPECT_EQ(Counted("tallybus_http_answers_cut_total"), 1u);
}

TEST_F(AnswerTest, OfTenMegabytesIsCut) {
  const auto result = Try(testing::SendBody(10 << 20));
  EXPECT_TRUE(result.answer_cut);
  EXPECT_EQ(result.remote_code, 200);
}

TEST_F(AnswerTest, WithoutEndIsCut) {
  const auto result = Try(testing::SendForEver());
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_TRUE(result.answer_cut);
}

TEST_F(AnswerTest, ThatIsCutIsStillJudgedByItsStatus) {
  const auto result = Try([](const HttpRequest&, Connection& c) {
    c.Answer(400, "Bad", std::string(1 << 20, 'x'));
    c.Close();
  });
  EXPECT_EQ(result.verdict, Verdict::kRejected);
  EXPECT_EQ(result.remote_code, 400);
  EXPECT_TRUE(result.answer_cut);
}

TEST_F(AnswerTest, ThatTricklesForEverTimesOut) {
  ExpectNoAnswer(Try(testing::TrickleForEver(), kShort), "timed out");
}

TEST_F(AnswerTest, ThatEndsInTheMiddleIsNone) {
  ExpectNoAnswer(Try(testing::CloseInTheMiddle()), "connection reset");
}

TEST_F(AnswerTest, ThatNeverComesIsAReset) {
  ExpectNoAnswer(Try(testing::ResetConnection()), "connection reset");
  ExpectNoAnswer(Try(testing::CloseWithoutAnswer()), "connection reset");
}

TEST_F(AnswerTest, APeerThatNeverReadsTimesOut) {
  options_.body = std::string(8 << 20, 'x');  // more than the socket buffers take
  ExpectNoAnswer(Try(ScriptedServer::NeverRead(), kShort), "timed out");
}

TEST_F(AnswerTest, ARedirectIsNotFollowed) {
  ScriptedServer elsewhere(testing::AnswerWith(200, "OK"));
  const auto result =
      Try(testing::AnswerWith(307, "Go", "", "Location: " + elsewhere.Url("/x") + "\r\n"));
  EXPECT_EQ(result.verdict, Verdict::kRejected);
  EXPECT_EQ(result.remote_code, 307);
  EXPECT_THAT(elsewhere.Requests(), SizeIs(0));
}

TEST_F(AnswerTest, AnInterimAnswerIsNotFinal) {
  const auto result = TryRaw(
      "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\nwebhook-delivery: disable\r\n\r\n"
      "HTTP/1.1 202 Taken\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_EQ(result.remote_code, 202);
  EXPECT_EQ(result.reason, "Taken");
  EXPECT_EQ(result.retry_after, absl::ZeroDuration());
}

TEST_F(AnswerTest, AnInterimAnswerAloneIsNone) {
  ExpectNoAnswer(TryRaw("HTTP/1.1 100 Continue\r\n\r\n"), "connection reset");
  ExpectNoAnswer(TryRaw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
                 "connection reset");
}

TEST_F(AnswerTest, WhatIsNotHttpIsNone) {
  ExpectNoAnswer(TryRaw("SSH-2.0-OpenSSH_9.2\r\n"), "connection reset");
  ExpectNoAnswer(TryRaw("<html>HTTP/0.9 style</html>"), "connection reset");
  ExpectNoAnswer(TryRaw(std::string("\0\xff\0\xff", 4)), "connection reset");
}

TEST_F(AnswerTest, HeadersWithoutEndAreBounded) {
  ExpectNoAnswer(Try([](const HttpRequest&, Connection& c) {
                   c.Send("HTTP/1.1 200 OK\r\n");
                   while (c.Send("X-Filler: " + std::string(8192, 'x') + "\r\n")) {
                   }
                   c.Close();
                 }),
                 "connection reset");
}

TEST_F(AnswerTest, AHeaderCanDisableTheEndpoint) {
  const auto result = Try(testing::AnswerWith(200, "OK", "", "Webhook-Delivery:  DISABLE \r\n"));
  EXPECT_EQ(result.verdict, Verdict::kGone);
  EXPECT_EQ(result.remote_code, 200);
  EXPECT_EQ(Try(testing::AnswerWith(200, "OK", "", "webhook-delivery: enable\r\n")).verdict,
            Verdict::kDelivered);
  EXPECT_EQ(Try(testing::AnswerWith(200, "OK", "", "webhook-delivery-x: disable\r\n")).verdict,
            Verdict::kDelivered);
}

TEST_F(AnswerTest, ARetryAfterOfGarbageIsCounted) {
  const auto result = Try(testing::AnswerWith(429, "Slow", "", "Retry-After: 12abc\r\n"));
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.retry_after, absl::ZeroDuration());
  EXPECT_EQ(Counted("tallybus_http_retry_after_ignored_total"), 1u);
}

TEST_F(AnswerTest, ARetryAfterDateIsTakenFromNow) {
  const std::string date =
      absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", bench_.clock.WallNow() + absl::Seconds(100),
                       absl::UTCTimeZone());
  const auto result = Try(testing::AnswerWith(503, "Busy", "", "retry-after: " + date + "\r\n"));
  EXPECT_GT(result.retry_after, absl::Seconds(80));
  EXPECT_LE(result.retry_after, absl::Seconds(100));
}

TEST_F(AnswerTest, TheStatusForTheLogHoldsNoPayloadAndNoQuery) {
  options_.body = "hunter2-body";
  for (const Script& script :
       {testing::AnswerWith(400, "Bad", "hunter2-answer"), testing::ResetConnection(),
        testing::CloseInTheMiddle(), testing::SendBody(1 << 20)}) {
    const auto result = Try(script);
    EXPECT_THAT(result.status.ToString(), Not(HasSubstr("hunter2")));
    EXPECT_TRUE(result.status.ok() ||
                result.status.message().find("127.0.0.1:") != absl::string_view::npos)
        << result.status;
  }
}

TEST_F(AnswerTest, AHandleForgetsTheAttemptBefore) {
  ScriptedServer server([](const HttpRequest& request, Connection& c) {
    if (request.number_on_connection == 1) {
      c.Answer(503, "Busy", "first", "Retry-After: 5\r\nwebhook-delivery: disable\r\n");
    } else {
      c.Answer(200, "OK", "second");
    }
  });
  options_.want_answer = true;
  const Endpoint endpoint = EndpointAt(server.Url());
  EXPECT_EQ(bench_.DeliverAndWait(endpoint, options_).verdict, Verdict::kGone);
  const auto result = bench_.DeliverAndWait(endpoint, options_);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_EQ(result.reason, "OK");
  EXPECT_EQ(result.answer, "second");
  EXPECT_EQ(result.retry_after, absl::ZeroDuration());
}

TEST_F(AnswerTest, SaysWhetherTheRequestCanHaveArrived) {
  EXPECT_FALSE(Try(testing::ResetConnection()).never_sent);
  testing::RefusingPort refusing;
  const auto url = "http://127.0.0.1:" + std::to_string(refusing.port());
  EXPECT_TRUE(bench_.DeliverAndWait(EndpointAt(url, 99)).never_sent);
}

TEST_F(AnswerTest, AHostThatDoesNotExistIsSaidSo) {
  const auto result = bench_.DeliverAndWait(EndpointAt("http://no-such-host.invalid/", 98));
  ExpectNoAnswer(result, "host not found");
  EXPECT_TRUE(result.never_sent);
}

}  // namespace
}  // namespace tallybus::rest
