// HTTP/1.1 by our own hand: what is written, what is read, and which connections are kept.
#include "transports/rest/http1_connection.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <semaphore>

#include "tests/conformance/transport_bench.h"
#include "tests/support/scripted_server.h"
#include "tests/support/shared_clock.h"
#include "tests/transports/rest/scheme_peers.h"
#include "transports/rest/http_loop.h"
#include "transports/rest/rest_transport.h"

namespace tallybus::rest {
namespace {

using testing::Connection;
using ::testing::HasSubstr;
using testing::HttpRequest;
using testing::Manner;
using ::testing::Not;
using testing::Script;
using testing::ScriptedServer;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr size_t kLarge = size_t{12} << 20;  // more than the sockets' buffers take

// One thread tells another that something has happened.
class Signal {
 public:
  void Give() { happened_.release(); }
  bool Take() { return happened_.try_acquire_for(std::chrono::seconds(60)); }

 private:
  std::counting_semaphore<> happened_{0};
};

std::string Pattern(size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
  return text;
}

Script Tell(const std::string& bytes) {
  return [=](const HttpRequest&, Connection& c) { c.Send(bytes); };
}

class Http1ConnectionTest : public ::testing::TestWithParam<Scheme> {
 protected:
  DeliveryResult Try(const ScriptedServer& server) {
    options_.want_answer = true;
    const auto id = static_cast<uint64_t>(server.port());
    return bench_.DeliverAndWait(peers_.Of(server, id, "/hooks"), options_);
  }
  uint64_t Opened() {
    return bench_.metrics
        .GetCounter("tallybus_http_connections_opened_total", "", {{"route", "defaultApp/backend"}})
        .Value();
  }

  const SchemePeers peers_{GetParam()};
  testing::TransportBench bench_{RestDescriptor(), /*threads=*/1};
  testing::TransportBench::Options options_;
};

INSTANTIATE_TEST_SUITE_P(By, Http1ConnectionTest, ::testing::Values(Scheme::kPlain, Scheme::kTls),
                         SchemeName);

TEST_P(Http1ConnectionTest, WritesAWellFormedRequest) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  options_.body = R"({"n":1})";
  ASSERT_EQ(Try(server).verdict, Verdict::kDelivered);
  const auto requests = server.Requests();
  ASSERT_THAT(requests, SizeIs(1));
  const std::string& head = requests[0].head;
  EXPECT_THAT(head, StartsWith("POST /hooks/StreamStatusEvent HTTP/1.1\r\nHost: 127.0.0.1:" +
                               std::to_string(server.port()) + "\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: 7\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nwebhook-id: 0123456789abcdef-1\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Expect")));
  EXPECT_THAT(head, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_EQ(head.find('\0'), std::string::npos);
  size_t line_ends = 0;
  for (size_t at = 0; (at = head.find('\n', at)) != head.npos; ++at, ++line_ends) {
    EXPECT_EQ(head[at - 1], '\r') << at;
  }
  EXPECT_EQ(std::count(head.begin(), head.end(), '\r'), line_ends);
  EXPECT_EQ(requests[0].body, options_.body);
}

TEST_P(Http1ConnectionTest, SendsAnEmptyBody) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  options_.body = "";
  ASSERT_EQ(Try(server).verdict, Verdict::kDelivered);
  ASSERT_EQ(Try(server).verdict, Verdict::kDelivered);
  EXPECT_EQ(server.Requests()[0].Header("content-length"), "0");
  EXPECT_EQ(server.connections(), 1);
}

TEST_P(Http1ConnectionTest, SendsALargeBodyWholeToASlowReader) {
  Manner manner{.tls = peers_.tls()};
  manner.receive_buffer = 64 << 10;
  ScriptedServer server(testing::AnswerWith(200, "OK"), manner);
  options_.body = Pattern(kLarge);
  for (int i = 0; i < 2; ++i) {
    const auto result = Try(server);
    ASSERT_EQ(result.verdict, Verdict::kDelivered) << result.status;
  }
  const auto requests = server.Requests();
  ASSERT_THAT(requests, SizeIs(2));
  for (const HttpRequest& request : requests) EXPECT_TRUE(request.body == options_.body);
  EXPECT_EQ(server.connections(), 1);
}

TEST_P(Http1ConnectionTest, HearsAnAnswerThatComesBeforeTheBodyWasRead) {
  for (size_t answer_bytes : {2, 50'000}) {
    Manner manner{.tls = peers_.tls()};
    manner.on_head = [=](const HttpRequest&, Connection& c) {
      c.Answer(413, "Too Large", std::string(answer_bytes, 'x'), "Connection: close\r\n");
      c.Close();
    };
    ScriptedServer server(testing::AnswerWith(200, "OK"), manner);
    options_.body = Pattern(kLarge);
    const auto result = Try(server);
    EXPECT_EQ(result.verdict, Verdict::kRejected) << result.status;
    EXPECT_EQ(result.remote_code, 413);
    EXPECT_EQ(result.reason, "Too Large");
    EXPECT_THAT(result.answer, SizeIs(answer_bytes));
    EXPECT_THAT(server.Requests(), SizeIs(0));
  }
}

// The rest of that body would be taken for another request.
TEST_P(Http1ConnectionTest, DoesNotUseAConnectionAgainWhoseRequestIsNotWholeOnIt) {
  Signal heard;
  Manner manner{.tls = peers_.tls()};
  manner.receive_buffer = 64 << 10;
  manner.on_head = [&](const HttpRequest& request, Connection& c) {
    if (request.connection > 1) return;
    c.Answer(429, "Slow Down");
    heard.Take();
    c.Close();
  };
  ScriptedServer server(testing::AnswerWith(200, "OK"), manner);
  options_.body = Pattern(kLarge);
  EXPECT_EQ(Try(server).remote_code, 429);
  const auto result = Try(server);
  heard.Give();
  EXPECT_EQ(result.remote_code, 200);
  EXPECT_FALSE(result.connection_reused);
  EXPECT_EQ(server.connections(), 2);
}

TEST_P(Http1ConnectionTest, ReadsAnAnswerInTinyPieces) {
  ScriptedServer server(
      [](const HttpRequest&, Connection& c) {
        for (char byte : std::string("HTTP/1.1 429 Slow Down\r\nRetry-After: 12\r\n"
                                     "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n")) {
          c.Send({&byte, 1});
        }
      },
      peers_.tls());
  for (int i = 0; i < 5; ++i) {
    const auto result = Try(server);
    EXPECT_EQ(result.remote_code, 429);
    EXPECT_EQ(result.reason, "Slow Down");
    EXPECT_EQ(result.retry_after, absl::Seconds(12));
    EXPECT_EQ(result.answer, "one");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_P(Http1ConnectionTest, CarriesManyRequestsOverOneConnection) {
  ScriptedServer server(testing::AnswerWith(204, "No Content", ""), peers_.tls());
  for (int i = 0; i < 100; ++i) {
    const auto result = Try(server);
    ASSERT_EQ(result.verdict, Verdict::kDelivered);
    EXPECT_EQ(result.connection_reused, i > 0);
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(Opened(), 1u);
}

TEST_P(Http1ConnectionTest, OpensAnotherOneWhereThePeerSaysClose) {
  ScriptedServer server(testing::AnswerWith(200, "OK", "{}", "Connection: close\r\n"),
                        peers_.tls());
  for (int i = 1; i <= 5; ++i) {
    const auto result = Try(server);
    EXPECT_EQ(result.verdict, Verdict::kDelivered);
    EXPECT_FALSE(result.connection_reused);
    EXPECT_EQ(server.connections(), i);
  }
}

TEST_P(Http1ConnectionTest, OpensAnotherOneWhereThePeerSpeaksHttp10) {
  ScriptedServer server(Tell("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"), peers_.tls());
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(Try(server).answer, "hi");
    EXPECT_EQ(server.connections(), i);
  }
}

TEST_P(Http1ConnectionTest, AnAnswerThatSaysTooMuchSpoilsItsConnection) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  ScriptedServer server(Tell(answer + "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"),
                        peers_.tls());
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(Try(server).remote_code, 200);
    EXPECT_EQ(server.connections(), i);
  }
}

TEST_P(Http1ConnectionTest, AnAnswerThatNobodyAskedForClosesAnIdleConnection) {
  Signal answered, closed;
  ScriptedServer server(
      [&](const HttpRequest& request, Connection& c) {
        c.Answer(200, "OK");
        if (request.connection > 1 || !answered.Take()) return;
        c.Answer(410, "Gone");
        c.WaitUntilClosed();
        closed.Give();
      },
      peers_.tls());
  ASSERT_EQ(Try(server).remote_code, 200);
  answered.Give();
  ASSERT_TRUE(closed.Take());
  const auto result = Try(server);
  EXPECT_EQ(result.remote_code, 200);
  EXPECT_FALSE(result.connection_reused);
  EXPECT_EQ(server.connections(), 2);
}

TEST_P(Http1ConnectionTest, AnIdleConnectionThatItsPeerEndsIsClosedAndNotMissed) {
  Signal closed;
  ScriptedServer server(
      [&](const HttpRequest&, Connection& c) {
        c.Answer(200, "OK");
        c.EndSending();
        c.WaitUntilClosed();
        closed.Give();
      },
      peers_.tls());
  for (int i = 1; i <= 20; ++i) {
    const auto result = Try(server);
    ASSERT_EQ(result.verdict, Verdict::kDelivered) << result.status;
    EXPECT_FALSE(result.connection_reused);
    ASSERT_TRUE(closed.Take());
  }
  EXPECT_EQ(server.connections(), 20);
}

// The next request follows an answer at once, so that nobody has waited for events in between.
TEST_P(Http1ConnectionTest, AnEndThatComesWithTheAnswerIsSeenByTheRequestThatWaited) {
  ScriptedServer server(
      [](const HttpRequest&, Connection& c) {
        c.SendLast("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        c.WaitUntilClosed();
      },
      peers_.tls());
  Endpoint endpoint = peers_.Of(server);
  endpoint.max_connections = 1;
  const auto tickets = bench_.DeliverMany(endpoint, 50, {});
  ASSERT_TRUE(bench_.sink.WaitForTickets(tickets.size()));
  for (Ticket ticket : tickets) {
    const auto result = bench_.sink.WaitFor(ticket);
    EXPECT_EQ(result->verdict, Verdict::kDelivered) << result->status;
  }
  EXPECT_EQ(server.connections(), 50);
}

// Of libraries and threads, which come and go; what connections would leave behind are a hundred.
constexpr size_t kPassing = 3;

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

TEST_P(Http1ConnectionTest, LeavesNoDescriptorBehind) {
  Signal closed;
  const Script script = [&](const HttpRequest&, Connection& c) {
    c.Answer(200, "OK");
    c.EndSending();
    c.WaitUntilClosed();
    closed.Give();
  };
  // Some descriptors are made once, with the first connection.
  size_t before = 0;
  for (int connections : {1, 200}) {
    {
      ScriptedServer server(script, peers_.tls());
      const Endpoint endpoint = peers_.Of(server, static_cast<uint64_t>(connections));
      for (int i = 0; i < connections; ++i) {
        ASSERT_EQ(bench_.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
        ASSERT_TRUE(closed.Take());
      }
      EXPECT_EQ(server.connections(), connections);
    }
    if (connections == 1) before = OpenDescriptors();
  }
  EXPECT_LE(OpenDescriptors(), before + kPassing);
}

TEST_P(Http1ConnectionTest, LeavesNoDescriptorBehindOfWhatFailed) {
  const testing::RefusingPort refusing;
  const Endpoint nobody = peers_.At("127.0.0.1:" + std::to_string(refusing.port()), 3);
  size_t before = 0;
  for (int attempts : {1, 100}) {
    {
      ScriptedServer server(testing::ResetConnection(), peers_.tls());
      const Endpoint endpoint = peers_.Of(server, static_cast<uint64_t>(attempts));
      for (int i = 0; i < attempts; ++i) {
        ASSERT_EQ(bench_.DeliverAndWait(endpoint).reason, "connection reset");
        ASSERT_EQ(bench_.DeliverAndWait(nobody).reason, "connection refused");
      }
    }
    if (attempts == 1) before = OpenDescriptors();
  }
  EXPECT_LE(OpenDescriptors(), before + kPassing);
}

// The clock stands still but where the test moves it; libcurl's own runs.
class QuietConnectionTest : public ::testing::TestWithParam<Scheme> {
 protected:
  void SetUp() override { ASSERT_TRUE(loop_.Start().ok()); }
  void TearDown() override {
    loop_.RequestStop(clock_.Now());
    loop_.Join();
  }
  DeliveryResult Try(const ScriptedServer& server, const std::string& path = "") {
    const Endpoint endpoint = peers_.Of(server, static_cast<uint64_t>(server.port()), path);
    const auto ticket = static_cast<Ticket>(++last_ticket_);
    Delivery delivery{ticket, {&parcel_, 1}, endpoint, clock_.Now() + absl::Hours(1), false};
    EXPECT_TRUE(loop_.Submit({&delivery, 1}).ok());
    const auto result = sink_.WaitFor(ticket);
    EXPECT_TRUE(result);
    return result.value_or(DeliveryResult{});
  }

  const SchemePeers peers_{GetParam()};
  testing::SharedClock clock_;
  Metrics metrics_;
  testing::SilentLog log_;
  testing::RecordingSink sink_;
  const Event event_;
  const Parcel parcel_{event_, "{}", "lane", 1, 1, false, false, 0};
  uint64_t last_ticket_ = 0;
  HttpLoop loop_{TransportContext{sink_, clock_, metrics_, log_, 1}, 10};
};

INSTANTIATE_TEST_SUITE_P(By, QuietConnectionTest, ::testing::Values(Scheme::kPlain, Scheme::kTls),
                         SchemeName);

TEST_P(QuietConnectionTest, IsUsedAgainForTwoMinutesAndNoLonger) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  EXPECT_FALSE(Try(server).connection_reused);
  clock_.Advance(absl::Minutes(2));
  EXPECT_TRUE(Try(server).connection_reused);
  clock_.Advance(absl::Minutes(2));
  EXPECT_TRUE(Try(server).connection_reused);
  clock_.Advance(absl::Minutes(2) + absl::Seconds(1));
  const auto result = Try(server);
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_FALSE(result.connection_reused);
  EXPECT_EQ(server.connections(), 2);
}

// Those of a peak would otherwise stay for ever.
TEST_P(QuietConnectionTest, IsClosedByItselfWhenItWasIdleForTooLong) {
  Signal ended;
  ScriptedServer server(
      [&](const HttpRequest& request, Connection& c) {
        c.Answer(200, "OK");
        if (request.target.find("first") == std::string::npos) return;
        c.WaitUntilClosed();
        ended.Give();
      },
      peers_.tls());
  EXPECT_EQ(Try(server, "/first").verdict, Verdict::kDelivered);
  clock_.Advance(absl::Minutes(3));
  ScriptedServer another(testing::AnswerWith(200, "OK"), peers_.tls());
  EXPECT_EQ(Try(another).verdict, Verdict::kDelivered);  // makes the loop turn
  EXPECT_TRUE(ended.Take());
}

}  // namespace
}  // namespace tallybus::rest
