// What one attempt learns from its peer, over http by our own hand and over https by libcurl:
// answers of every kind, and none.
#include "transports/rest/attempt.h"

#include <gmock/gmock.h>

#include "tests/conformance/transport_bench.h"
#include "tests/support/scripted_server.h"
#include "tests/transports/rest/scheme_peers.h"
#include "transports/rest/rest_transport.h"
#include "transports/rest/signature.h"

namespace tallybus::rest {
namespace {

using testing::Connection;
using ::testing::HasSubstr;
using testing::HttpRequest;
using ::testing::Not;
using testing::Script;
using testing::ScriptedServer;
using ::testing::SizeIs;

constexpr absl::Duration kShort = absl::Milliseconds(300);

// One attempt at a peer with this script; the answer is wanted.
class AnswerTest : public ::testing::TestWithParam<Scheme> {
 protected:
  DeliveryResult Try(Script script, absl::Duration timeout = absl::Seconds(10)) {
    ScriptedServer server(std::move(script), peers_.tls());
    options_.want_answer = true;
    options_.timeout = timeout;
    return bench_.DeliverAndWait(peers_.Of(server, ++endpoints_, "/hooks?secret=hunter2"),
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

  const SchemePeers peers_{GetParam()};
  testing::TransportBench bench_{RestDescriptor()};
  testing::TransportBench::Options options_;
  uint64_t endpoints_ = 0;
};

INSTANTIATE_TEST_SUITE_P(By, AnswerTest,
                         ::testing::Values(Scheme::kPlain, Scheme::kTls, Scheme::kTlsByLibcurl),
                         SchemeName);

void ExpectNoAnswer(const DeliveryResult& result, const std::string& reason) {
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.remote_code, 0);
  EXPECT_EQ(result.reason, reason);
  EXPECT_EQ(result.answer, "");
  EXPECT_FALSE(result.answer_cut);
  EXPECT_FALSE(result.status.ok());
}

TEST_P(AnswerTest, IsHandedOnWithItsCodeAndPhrase) {
  const auto result = Try(testing::AnswerWith(403, "Not Today", R"({"reason":"no"})"));
  EXPECT_EQ(result.verdict, Verdict::kHold);
  EXPECT_EQ(result.remote_code, 403);
  EXPECT_EQ(result.reason, "Not Today");
  EXPECT_EQ(result.answer, R"({"reason":"no"})");
  EXPECT_FALSE(result.answer_cut);
  EXPECT_FALSE(result.never_sent);
}

TEST_P(AnswerTest, IsNotKeptWhereNobodyReadsIt) {
  ScriptedServer server(testing::AnswerWith(200, "OK", "echo"), peers_.tls());
  EXPECT_EQ(bench_.DeliverAndWait(peers_.Of(server)).answer, "");
}

TEST_P(AnswerTest, WithoutAPhraseGetsTheStandardOne) {
  EXPECT_EQ(Try(testing::AnswerWith(503, "")).reason, "Service Unavailable");
}

TEST_P(AnswerTest, OfExactly64KiBIsWhole) {
  const auto result = Try(testing::SendBody(64 << 10));
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_FALSE(result.answer_cut);
  EXPECT_THAT(result.answer, SizeIs(64 << 10));
}

TEST_P(AnswerTest, IsCutBeyond64KiBAndTheRequestsSizeAndItsStatusCounts) {
  const auto result = Try(testing::SendBody(66 << 10));
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_EQ(result.remote_code, 200);
  EXPECT_TRUE(result.answer_cut);
  EXPECT_THAT(result.answer, SizeIs(64 << 10));
  EXPECT_EQ(Counted("tallybus_http_answers_cut_total"), 1u);
}

TEST_P(AnswerTest, OfTenMegabytesIsCut) {
  const auto result = Try(testing::SendBody(10 << 20));
  EXPECT_TRUE(result.answer_cut);
  EXPECT_EQ(result.remote_code, 200);
}

TEST_P(AnswerTest, WithoutEndIsCut) {
  const auto result = Try(testing::SendForEver());
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_TRUE(result.answer_cut);
}

TEST_P(AnswerTest, ThatIsCutIsStillJudgedByItsStatus) {
  const auto result = Try([](const HttpRequest&, Connection& c) {
    c.Answer(400, "Bad", std::string(1 << 20, 'x'));
    c.Close();
  });
  EXPECT_EQ(result.verdict, Verdict::kRejected);
  EXPECT_EQ(result.remote_code, 400);
  EXPECT_TRUE(result.answer_cut);
}

TEST_P(AnswerTest, ThatTricklesForEverTimesOut) {
  ExpectNoAnswer(Try(testing::TrickleForEver(), kShort), "timed out");
}

TEST_P(AnswerTest, ThatEndsInTheMiddleIsNone) {
  ExpectNoAnswer(Try(testing::CloseInTheMiddle()), "connection reset");
}

TEST_P(AnswerTest, ThatNeverComesIsAReset) {
  ExpectNoAnswer(Try(testing::ResetConnection()), "connection reset");
  ExpectNoAnswer(Try(testing::CloseWithoutAnswer()), "connection reset");
}

TEST_P(AnswerTest, APeerThatNeverReadsTimesOut) {
  options_.body = std::string(8 << 20, 'x');  // more than the socket buffers take
  ExpectNoAnswer(Try(ScriptedServer::NeverRead(), kShort), "timed out");
}

TEST_P(AnswerTest, ARedirectIsNotFollowed) {
  ScriptedServer elsewhere(testing::AnswerWith(200, "OK"), peers_.tls());
  const auto result =
      Try(testing::AnswerWith(307, "Go", "", "Location: " + elsewhere.Url("/x") + "\r\n"));
  EXPECT_EQ(result.verdict, Verdict::kRejected);
  EXPECT_EQ(result.remote_code, 307);
  EXPECT_THAT(elsewhere.Requests(), SizeIs(0));
}

TEST_P(AnswerTest, AnInterimAnswerIsNotFinal) {
  const auto result = TryRaw(
      "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\nwebhook-delivery: disable\r\n\r\n"
      "HTTP/1.1 202 Taken\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_EQ(result.remote_code, 202);
  EXPECT_EQ(result.reason, "Taken");
  EXPECT_EQ(result.retry_after, absl::ZeroDuration());
}

TEST_P(AnswerTest, AnInterimAnswerAloneIsNone) {
  ExpectNoAnswer(TryRaw("HTTP/1.1 100 Continue\r\n\r\n"), "connection reset");
  ExpectNoAnswer(TryRaw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
                 "connection reset");
}

TEST_P(AnswerTest, SomeCodesHaveNoBodyWhateverTheAnswerSays) {
  const Script script = [](const HttpRequest&, Connection& c) {
    c.Send("HTTP/1.1 204 No Content\r\nContent-Length: 100\r\n\r\n");
  };
  EXPECT_EQ(Try(script).remote_code, 204);
}

TEST_P(AnswerTest, ATrailerCountsAsAField) {
  const auto result =
      TryRaw("HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nRetry-After: 7\r\n\r\n");
  EXPECT_EQ(result.retry_after, absl::Seconds(7));
}

TEST_P(AnswerTest, BeforeTheRequestWasReadWholeIsHeard) {
  testing::Manner manner;
  manner.tls = peers_.tls();
  manner.on_head = [](const HttpRequest&, Connection& c) {
    c.Answer(413, "Too Large");
    c.WaitUntilClosed();
  };
  ScriptedServer server(testing::AnswerWith(200, "OK"), manner);
  options_.body = std::string(12 << 20, 'x');
  const auto result = bench_.DeliverAndWait(peers_.Of(server), options_);
  EXPECT_EQ(result.verdict, Verdict::kRejected) << result.status;
  EXPECT_EQ(result.remote_code, 413);
}

// Some take a request by its head, and read the rest afterwards.
TEST_P(AnswerTest, OfSuccessCountsWhenTheRequestIsSent) {
  testing::Manner manner;
  manner.tls = peers_.tls();
  manner.on_head = [](const HttpRequest&, Connection& c) { c.Answer(200, "OK"); };
  ScriptedServer server([](const HttpRequest&, Connection&) {}, manner);
  options_.body = std::string(12 << 20, 'x');
  const auto result = bench_.DeliverAndWait(peers_.Of(server), options_);
  EXPECT_EQ(result.verdict, Verdict::kDelivered) << result.status;
  ASSERT_TRUE(server.WaitForRequests(1));
  EXPECT_EQ(server.Requests()[0].body, options_.body);
}

TEST_P(AnswerTest, OfSuccessIsNoneWhereTheRequestDidNotArrive) {
  testing::Manner manner;
  manner.tls = peers_.tls();
  manner.on_head = [](const HttpRequest&, Connection& c) {
    c.Answer(200, "OK");
    c.Reset();
  };
  ScriptedServer server(testing::AnswerWith(200, "OK"), manner);
  options_.body = std::string(12 << 20, 'x');
  const auto result = bench_.DeliverAndWait(peers_.Of(server), options_);
  EXPECT_EQ(result.verdict, Verdict::kRetryLater) << result.status;
  EXPECT_FALSE(result.never_sent);
}

TEST_P(AnswerTest, IsOfAPathAsItIsWritten) {
  testing::Manner manner;
  manner.tls = peers_.tls();
  ScriptedServer server(testing::AnswerWith(200, "OK"), manner);
  auto endpoint = peers_.Of(server);
  endpoint.url = endpoint.url.substr(0, endpoint.url.find('/', 8)) + "/événements?q=é";
  EXPECT_EQ(bench_.DeliverAndWait(endpoint, options_).verdict, Verdict::kDelivered);
  ASSERT_TRUE(server.WaitForRequests(1));
  EXPECT_EQ(server.Requests()[0].target, "/%c3%a9v%c3%a9nements/StreamStatusEvent?q=é");
}

TEST_P(AnswerTest, WhatIsNotHttpIsNone) {
  ExpectNoAnswer(TryRaw("SSH-2.0-OpenSSH_9.2\r\n"), "connection reset");
  ExpectNoAnswer(TryRaw("<html>HTTP/0.9 style</html>"), "connection reset");
  ExpectNoAnswer(TryRaw(std::string("\0\xff\0\xff", 4)), "connection reset");
}

TEST_P(AnswerTest, HeadersWithoutEndAreBounded) {
  ExpectNoAnswer(Try([](const HttpRequest&, Connection& c) {
                   c.Send("HTTP/1.1 200 OK\r\n");
                   while (c.Send("X-Filler: " + std::string(8192, 'x') + "\r\n")) {
                   }
                   c.Close();
                 }),
                 "connection reset");
}

TEST_P(AnswerTest, AHeaderCanDisableTheEndpoint) {
  const auto result = Try(testing::AnswerWith(200, "OK", "", "Webhook-Delivery:  DISABLE \r\n"));
  EXPECT_EQ(result.verdict, Verdict::kGone);
  EXPECT_EQ(result.remote_code, 200);
  EXPECT_EQ(Try(testing::AnswerWith(200, "OK", "", "webhook-delivery: enable\r\n")).verdict,
            Verdict::kDelivered);
  EXPECT_EQ(Try(testing::AnswerWith(200, "OK", "", "webhook-delivery-x: disable\r\n")).verdict,
            Verdict::kDelivered);
}

TEST_P(AnswerTest, ARetryAfterOfGarbageIsCounted) {
  const auto result = Try(testing::AnswerWith(429, "Slow", "", "Retry-After: 12abc\r\n"));
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.retry_after, absl::ZeroDuration());
  EXPECT_EQ(Counted("tallybus_http_retry_after_ignored_total"), 1u);
}

TEST_P(AnswerTest, ARetryAfterDateIsTakenFromNow) {
  const std::string date =
      absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", bench_.clock.WallNow() + absl::Seconds(100),
                       absl::UTCTimeZone());
  const auto result = Try(testing::AnswerWith(503, "Busy", "", "retry-after: " + date + "\r\n"));
  EXPECT_GT(result.retry_after, absl::Seconds(80));
  EXPECT_LE(result.retry_after, absl::Seconds(100));
}

TEST_P(AnswerTest, TheStatusForTheLogHoldsNoPayloadAndNoQuery) {
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

TEST_P(AnswerTest, AHandleForgetsTheAttemptBefore) {
  ScriptedServer server(
      [first = true](const HttpRequest&, Connection& c) mutable {
        if (std::exchange(first, false)) {
          c.Answer(503, "Busy", "first", "Retry-After: 5\r\nwebhook-delivery: disable\r\n");
        } else {
          c.Answer(200, "OK", "second");
        }
      },
      peers_.tls());
  options_.want_answer = true;
  const Endpoint endpoint = peers_.Of(server);
  EXPECT_EQ(bench_.DeliverAndWait(endpoint, options_).verdict, Verdict::kGone);
  const auto result = bench_.DeliverAndWait(endpoint, options_);
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_EQ(result.reason, "OK");
  EXPECT_EQ(result.answer, "second");
  EXPECT_EQ(result.retry_after, absl::ZeroDuration());
}

TEST_P(AnswerTest, SaysWhetherTheRequestCanHaveArrived) {
  EXPECT_FALSE(Try(testing::ResetConnection()).never_sent);
  testing::RefusingPort refusing;
  const auto nobody = peers_.At("127.0.0.1:" + std::to_string(refusing.port()), 99);
  EXPECT_TRUE(bench_.DeliverAndWait(nobody).never_sent);
}

TEST_P(AnswerTest, AHostThatDoesNotExistIsSaidSo) {
  const auto result = bench_.DeliverAndWait(peers_.At("no-such-host.invalid/", 98));
  ExpectNoAnswer(result, "host not found");
  EXPECT_TRUE(result.never_sent);
}

// What an endpoint's options make of a request, by each way that it may go.
using RequestTest = AnswerTest;

INSTANTIATE_TEST_SUITE_P(By, RequestTest,
                         ::testing::Values(Scheme::kPlain, Scheme::kTls, Scheme::kTlsByLibcurl),
                         SchemeName);

TEST_P(RequestTest, IsSignedAtTheTimeOfItsAttempt) {
  constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  auto endpoint = peers_.Of(server);
  endpoint.options["signing"] = kSecret;
  const int64_t before = absl::ToUnixSeconds(bench_.clock.WallNow());
  EXPECT_EQ(bench_.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
  const HttpRequest request = server.Requests().at(0);
  const int64_t at = std::stoll(request.Header("webhook-timestamp"));
  EXPECT_GE(at, before);
  EXPECT_LE(at, absl::ToUnixSeconds(bench_.clock.WallNow()));
  EXPECT_TRUE(WebhookKey::Parse(kSecret)->Proves(
      SignedContent(request.Header("webhook-id"), at, request.body),
      request.Header("webhook-signature")));
}

TEST_P(RequestTest, IsCompressedOverItsSizeAndSignedAsItWas) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  auto endpoint = peers_.Of(server);
  endpoint.options["compress.over"] = "100";
  endpoint.options["wcs_hash_key"] = "Jefe";
  options_.body = "{" + std::string(99, ' ') + "}";
  bench_.DeliverAndWait(endpoint, options_);
  options_.body = "{" + std::string(98, ' ') + "}";
  bench_.DeliverAndWait(endpoint, options_);
  const auto requests = server.Requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].Header("content-encoding"), "gzip");
  EXPECT_TRUE(requests[0].body.starts_with("\x1f\x8b")) << requests[0].body;
  // HMAC-MD5 of the 101 bytes by openssl dgst -md5 -hmac Jefe.
  EXPECT_EQ(requests[0].Header("authorization"), "WCS 70054d6096943c2f8d5d4d6d1b67eea0");
  EXPECT_EQ(requests[1].Header("content-encoding"), "");
  EXPECT_EQ(requests[1].body, options_.body);
}

TEST_P(RequestTest, OfACloudEventGoesToTheUrlItself) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  auto endpoint = peers_.Of(server, 1, "/events?x=1");
  endpoint.options["format"] = "cloudevents";
  EXPECT_EQ(bench_.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
  const HttpRequest request = server.Requests().at(0);
  EXPECT_EQ(request.target, "/events?x=1");
  EXPECT_EQ(request.Header("content-type"), "application/cloudevents+json; charset=utf-8");
  EXPECT_EQ(request.Header("webhook-id"), "0123456789abcdef-1");
  EXPECT_EQ(request.Header("tallybus-sequence"), "1");
  EXPECT_THAT(request.body, HasSubstr(R"("data":{"status":"PUBLISHING"}})"));
}

}  // namespace
}  // namespace tallybus::rest
