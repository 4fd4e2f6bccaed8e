// The loop: connections and their limits, what libcurl must not do by itself, and its end.
#include "transports/rest/http_loop.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <netdb.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <tuple>

#include "tests/conformance/transport_bench.h"
#include "tests/support/scripted_server.h"
#include "tests/transports/rest/scheme_peers.h"
#include "transports/rest/rest_transport.h"

namespace {

// Holds every look-up of "hangs.test" as long as it is closed.
struct Gate {
  std::mutex mutex;
  std::condition_variable opened;
  bool open = true;
  int held = 0;

  void Close() {
    std::lock_guard lock(mutex);
    open = false;
  }
  void Pass() {
    std::unique_lock lock(mutex);
    ++held;
    opened.notify_all();
    opened.wait(lock, [&] { return open; });
    --held;
    opened.notify_all();
  }
  bool WaitUntilHolding() {
    std::unique_lock lock(mutex);
    return opened.wait_for(lock, std::chrono::seconds(60), [&] { return held > 0; });
  }
  // Returns when nobody is inside any more.
  void Open() {
    std::unique_lock lock(mutex);
    open = true;
    opened.notify_all();
    opened.wait_for(lock, std::chrono::seconds(60), [&] { return held == 0; });
  }
};

Gate& LookUpGate() {
  static Gate& gate = *new Gate;
  return gate;
}

// As long as it lives, look-ups of "hangs.test" hang.
struct ClosedLookUps {
  ClosedLookUps() { LookUpGate().Close(); }
  ~ClosedLookUps() { LookUpGate().Open(); }
};

}  // namespace

// libcurl's look-ups come here: "hangs.test" waits for the gate, "metadata.test" leads to where
// clouds keep their credentials, "loopback.test" to 127.0.0.1.
extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* node,
                                                                  const char* service,
                                                                  const addrinfo* hints,
                                                                  addrinfo** result) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string name = node == nullptr ? "" : node;
  if (name == "hangs.test") {
    LookUpGate().Pass();
    return EAI_AGAIN;
  }
  if (name == "metadata.test") node = "169.254.169.254";
  if (name == "loopback.test") node = "127.0.0.1";
  return real(node, service, hints, result);
}

namespace tallybus::rest {
namespace {

using ::testing::AnyOf;
using testing::Connection;
using testing::EndpointAt;
using testing::HttpRequest;
using testing::ScriptedServer;
using ::testing::SizeIs;
using testing::TransportBench;

TransportBench::Options Within(absl::Duration timeout) {
  TransportBench::Options options;
  options.timeout = timeout;
  return options;
}

class SchemeLoopTest : public ::testing::Test {
 protected:
  explicit SchemeLoopTest(Scheme scheme) : peers_(scheme) {}

  uint64_t Counted(const std::string& name) {
    return bench_.metrics.GetCounter(name, "", {{"route", "defaultApp/backend"}}).Value();
  }
  void ExpectRefusedAddress(const DeliveryResult& result) {
    EXPECT_EQ(result.verdict, Verdict::kRetryLater);
    EXPECT_EQ(result.status.code(), absl::StatusCode::kPermissionDenied) << result.status;
    EXPECT_EQ(result.reason, "connection refused");
    EXPECT_EQ(result.remote_code, 0);
    EXPECT_TRUE(result.never_sent);
  }
  std::string Port(const ScriptedServer& server) { return std::to_string(server.port()); }

  const SchemePeers peers_;
  TransportBench bench_{RestDescriptor(), /*threads=*/1};
};

// Over http by our own hand, over https by libcurl.
class HttpLoopTest : public SchemeLoopTest, public ::testing::WithParamInterface<Scheme> {
 protected:
  HttpLoopTest() : SchemeLoopTest(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(By, HttpLoopTest, ::testing::Values(Scheme::kPlain, Scheme::kTls),
                         SchemeName);

TEST_P(HttpLoopTest, ReusesItsConnection) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  const Endpoint endpoint = peers_.Of(server);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(bench_.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_THAT(server.Requests(), SizeIs(50));
}

// The first request of each connection is answered, the second one is read and gets `end`.
using Dying = std::tuple<Scheme, void (Connection::*)()>;
class DyingConnectionTest : public SchemeLoopTest, public ::testing::WithParamInterface<Dying> {
 protected:
  DyingConnectionTest() : SchemeLoopTest(std::get<0>(GetParam())) {}
};

TEST_P(DyingConnectionTest, ARequestIsNeverSentTwiceInOneAttempt) {
  ScriptedServer server(
      [end = std::get<1>(GetParam())](const HttpRequest& request, Connection& c) {
        if (request.number_on_connection == 1) {
          c.Answer(200, "OK");
        } else {
          (c.*end)();
        }
      },
      peers_.tls());
  const Endpoint endpoint = peers_.Of(server);
  ASSERT_EQ(bench_.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
  const auto result = bench_.DeliverAndWait(endpoint);
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.reason, "connection reset");
  EXPECT_EQ(result.remote_code, 0);
  EXPECT_FALSE(result.never_sent);
  EXPECT_EQ(bench_.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
  const auto requests = server.Requests();
  EXPECT_THAT(requests, SizeIs(3));
  EXPECT_NE(requests[1].Header("webhook-id"), requests[2].Header("webhook-id"));
}

std::string DyingName(const ::testing::TestParamInfo<Dying>& dying) {
  const auto [scheme, end] = dying.param;
  return NameOf(scheme) + (end == &Connection::Close ? "Close" : "Reset");
}

INSTANTIATE_TEST_SUITE_P(By, DyingConnectionTest,
                         ::testing::Combine(::testing::Values(Scheme::kPlain, Scheme::kTls),
                                            ::testing::Values(&Connection::Close,
                                                              &Connection::Reset)),
                         DyingName);

TEST_P(HttpLoopTest, CountsTheResendsThatItRefused) {
  ScriptedServer server(
      [](const HttpRequest& request, Connection& c) {
        if (request.number_on_connection == 1) return void(c.Answer(200, "OK"));
        c.Close();
      },
      peers_.tls());
  const Endpoint endpoint = peers_.Of(server);
  for (int i = 0; i < 4; ++i) bench_.DeliverAndWait(endpoint);
  EXPECT_EQ(Counted("tallybus_http_resends_refused_total"), 2u);
  EXPECT_THAT(server.Requests(), SizeIs(4));
}

TEST_P(HttpLoopTest, APooledConnectionThatItsPeerClosedIsNotUsedAgain) {
  ScriptedServer server(
      [](const HttpRequest&, Connection& c) {
        c.Answer(200, "OK");
        c.Close();
      },
      peers_.tls());
  const Endpoint endpoint = peers_.Of(server);
  size_t delivered = 0;
  for (int i = 0; i < 20; ++i) {
    const Verdict verdict = bench_.DeliverAndWait(endpoint).verdict;
    delivered += verdict == Verdict::kDelivered;
    // An attempt may meet the connection just as it dies.
    EXPECT_THAT(verdict, AnyOf(Verdict::kDelivered, Verdict::kRetryLater));
  }
  EXPECT_GE(delivered, 10u);
  EXPECT_EQ(server.Requests().size(), delivered) << "each is sent once";
}

TEST_P(HttpLoopTest, KeepsWithinAnEndpointsConnections) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  Endpoint endpoint = peers_.Of(server);
  endpoint.max_connections = 3;
  const auto tickets = bench_.DeliverMany(endpoint, 100, {});
  ASSERT_TRUE(bench_.sink.WaitForTickets(tickets.size()));
  for (Ticket t : tickets) EXPECT_EQ(bench_.sink.WaitFor(t)->verdict, Verdict::kDelivered);
  EXPECT_LE(server.connections(), 3);
}

TEST_P(HttpLoopTest, WaitingForAConnectionEndsAtTheDeadline) {
  ScriptedServer server(testing::NeverAnswer(), peers_.tls());
  Endpoint endpoint = peers_.Of(server);
  endpoint.max_connections = 1;
  const Ticket first = bench_.Deliver(endpoint, Within(absl::Hours(1)));
  ASSERT_TRUE(server.WaitForRequests(1));
  const auto second = bench_.DeliverAndWait(endpoint, Within(absl::Milliseconds(100)));
  EXPECT_EQ(second.reason, "timed out");
  EXPECT_TRUE(second.never_sent);
  EXPECT_EQ(bench_.sink.Completions(first), 0);
  EXPECT_THAT(server.Requests(), SizeIs(1));
}

TEST_P(HttpLoopTest, StopCompletesWhatWaitsForAConnection) {
  ScriptedServer server(testing::NeverAnswer(), peers_.tls());
  Endpoint endpoint = peers_.Of(server);
  endpoint.max_connections = 1;
  const auto tickets = bench_.DeliverMany(endpoint, 5, Within(absl::Hours(1)));
  ASSERT_TRUE(server.WaitForRequests(1));
  bench_.Stop(absl::ZeroDuration());
  int never_sent = 0;
  for (Ticket ticket : tickets) {
    ASSERT_EQ(bench_.sink.Completions(ticket), 1);
    never_sent += bench_.sink.WaitFor(ticket)->never_sent;
  }
  EXPECT_EQ(never_sent, 4);
}

TEST_P(HttpLoopTest, ADeadEndpointCostsTheOthersNothing) {
  ScriptedServer hanging(testing::NeverAnswer(), peers_.tls());
  ScriptedServer good(testing::AnswerWith(200, "OK"), peers_.tls());
  bench_.DeliverMany(peers_.Of(hanging, 1), 200, Within(absl::Hours(1)));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(bench_.DeliverAndWait(peers_.Of(good, 2)).verdict, Verdict::kDelivered);
  }
}

TEST_P(HttpLoopTest, AHungNameLookUpStallsNobodyElse) {
  ScriptedServer good(testing::AnswerWith(200, "OK"), peers_.tls());
  std::future<void> stopped;
  const ClosedLookUps closed;
  const Ticket hung = bench_.Deliver(peers_.At("hangs.test/", 1), Within(absl::Seconds(2)));
  ASSERT_TRUE(LookUpGate().WaitUntilHolding());
  const auto result = bench_.sink.WaitFor(hung);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->reason, "timed out");
  EXPECT_EQ(bench_.DeliverAndWait(peers_.Of(good, 2)).verdict, Verdict::kDelivered);
  bench_.Deliver(peers_.At("hangs.test/", 1), Within(absl::Hours(1)));
  stopped = std::async(std::launch::async, [this] { bench_.Stop(absl::ZeroDuration()); });
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

TEST_P(HttpLoopTest, ANameIsJudgedByTheAddressThatItLeadsTo) {
  ExpectRefusedAddress(bench_.DeliverAndWait(peers_.At("metadata.test/", 1)));
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  Endpoint endpoint = peers_.At("loopback.test:" + Port(server), 2);
  EXPECT_EQ(bench_.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
  endpoint.id = 3;
  endpoint.options["network"] = "public";
  ExpectRefusedAddress(bench_.DeliverAndWait(endpoint));
  EXPECT_EQ(Counted("tallybus_http_addresses_refused_total"), 2u);
}

TEST_P(HttpLoopTest, NoSpellingOfAnAddressGetsPastTheRules) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  uint64_t id = 0;
  for (const char* host : {"127.0.0.1", "2130706433", "0x7f.1", "017700000001", "127.1",
                           "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost"}) {
    Endpoint endpoint = peers_.At(std::string(host) + ":" + Port(server), ++id);
    endpoint.options["network"] = "public";
    ExpectRefusedAddress(bench_.DeliverAndWait(endpoint));
  }
  EXPECT_EQ(server.connections(), 0);
}

// libcurl's connections are lent to any endpoint; a plain one stays with its own.
TEST_P(HttpLoopTest, AReusedConnectionIsJudgedAgain) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  ASSERT_EQ(bench_.DeliverAndWait(peers_.Of(server, 1)).verdict, Verdict::kDelivered);
  Endpoint strict = peers_.Of(server, 2);
  strict.options["network"] = "public";
  ExpectRefusedAddress(bench_.DeliverAndWait(strict));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_THAT(server.Requests(), SizeIs(1));
  Endpoint open = peers_.Of(server, 3);
  open.options["network"] = "public";
  open.options["allow_cidrs"] = "127.0.0.1/32";
  EXPECT_EQ(bench_.DeliverAndWait(open).verdict, Verdict::kDelivered);
}

TEST_P(HttpLoopTest, AnUnusableEndpointIsHeld) {
  const auto result = bench_.DeliverAndWait(EndpointAt("ftp://127.0.0.1/"));
  EXPECT_EQ(result.verdict, Verdict::kHold);
  EXPECT_TRUE(result.never_sent);
  EXPECT_EQ(result.remote_code, 0);
}

TEST_P(HttpLoopTest, ManyEndpointsComeAndGo) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  for (uint64_t id = 1; id <= 600; ++id) {
    ASSERT_EQ(bench_.DeliverAndWait(peers_.Of(server, id)).verdict, Verdict::kDelivered);
  }
  EXPECT_EQ(bench_.DeliverAndWait(peers_.Of(server, 1)).verdict, Verdict::kDelivered);
}

class BareLoopTest : public ::testing::Test {
 protected:
  absl::Status Submit(HttpLoop& loop) {
    Delivery delivery{Ticket{1}, {&parcel_, 1}, endpoint_, clock_.Now() + absl::Seconds(5), false};
    return loop.Submit({&delivery, 1});
  }
  SystemClock clock_;
  Metrics metrics_;
  testing::SilentLog log_;
  testing::RecordingSink sink_;
  const TransportContext context_{sink_, clock_, metrics_, log_, 1};
  const Event event_;
  const Parcel parcel_{event_, "{}", "lane", 1, 1, false, false, 0};
  const Endpoint endpoint_ = EndpointAt("http://127.0.0.1:1/");
};

TEST_F(BareLoopTest, AFullMailboxRefusesAndCounts) {
  HttpLoop loop(context_, /*mailbox_capacity=*/0);
  ASSERT_TRUE(loop.Start().ok());
  EXPECT_EQ(Submit(loop).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(metrics_.GetCounter("tallybus_http_mailbox_full_total", "").Value(), 1u);
  loop.RequestStop(clock_.Now());
  loop.Join();
  EXPECT_EQ(sink_.total(), 0u);
}

TEST_F(BareLoopTest, ALoopThatDoesNotRunRefuses) {
  HttpLoop loop(context_, 10);
  EXPECT_EQ(Submit(loop).code(), absl::StatusCode::kCancelled);
}

TEST_F(BareLoopTest, ItsThreadHasANameAndTakesNoSignal) {
  HttpLoop loop(context_, 10);
  ASSERT_TRUE(loop.Start().ok());
  std::string blocked;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(task.path() / "comm") >> name;
    if (name != "tallybus-http") continue;
    std::ifstream status(task.path() / "status");
    for (std::string word; status >> word;) {
      if (word == "SigBlk:") status >> blocked;
    }
  }
  ASSERT_FALSE(blocked.empty());
  const uint64_t mask = std::stoull(blocked, nullptr, 16);
  for (int signal : {SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGUSR1, SIGCHLD, SIGALRM}) {
    EXPECT_TRUE(mask >> (signal - 1) & 1) << signal;
  }
  loop.RequestStop(clock_.Now());
  loop.Join();
}

}  // namespace
}  // namespace tallybus::rest
