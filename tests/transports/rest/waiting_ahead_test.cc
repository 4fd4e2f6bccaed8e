// What waits beyond an endpoint's connections: it begins when one is free, and goes back unsent
// behind a failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/conformance/transport_bench.h"
#include "tests/support/scripted_server.h"
#include "tests/transports/rest/scheme_peers.h"
#include "transports/rest/rest_transport.h"

namespace tallybus::rest {
namespace {

using testing::ScriptedServer;
using ::testing::SizeIs;
using testing::TransportBench;

class WaitingAheadTest : public ::testing::TestWithParam<Scheme> {
 protected:
  Endpoint Few(const ScriptedServer& server, int max_connections) const {
    Endpoint endpoint = peers_.Of(server);
    endpoint.max_connections = max_connections;
    return endpoint;
  }

  const SchemePeers peers_{GetParam()};
  TransportBench bench_{RestDescriptor(), /*threads=*/1};
};

INSTANTIATE_TEST_SUITE_P(By, WaitingAheadTest,
                         ::testing::Values(Scheme::kPlain, Scheme::kTls, Scheme::kTlsByLibcurl),
                         SchemeName);

TransportBench::Options Ahead() {
  TransportBench::Options options;
  options.ahead = true;
  return options;
}

TEST_P(WaitingAheadTest, BeginsWhenAConnectionIsFree) {
  ScriptedServer server(testing::AnswerWith(200, "OK"), peers_.tls());
  const auto tickets = bench_.DeliverMany(Few(server, 2), 20, Ahead());
  ASSERT_TRUE(bench_.sink.WaitForTickets(tickets.size()));
  for (Ticket t : tickets) EXPECT_EQ(bench_.sink.WaitFor(t)->verdict, Verdict::kDelivered);
  // libcurl's own, as long as HTTP/2 was offered, are given up for others.
  EXPECT_LE(server.connections(), GetParam() == Scheme::kTlsByLibcurl ? 4 : 2);
  EXPECT_GT(bench_.sink.WaitFor(tickets.back())->waited, absl::ZeroDuration());
}

TEST_P(WaitingAheadTest, GoesBackUnsentWhenAnotherOneFails) {
  ScriptedServer server(testing::AnswerWith(503, "Busy"), peers_.tls());
  const auto tickets = bench_.DeliverMany(Few(server, 1), 4, Ahead());
  ASSERT_TRUE(bench_.sink.WaitForTickets(tickets.size()));
  EXPECT_EQ(bench_.sink.WaitFor(tickets[0])->remote_code, 503);
  for (size_t i = 1; i < tickets.size(); ++i) {
    const auto result = bench_.sink.WaitFor(tickets[i]);
    EXPECT_TRUE(absl::IsCancelled(result->status)) << result->status;
    EXPECT_TRUE(result->never_sent);
  }
  EXPECT_THAT(server.Requests(), SizeIs(1));
}

TEST_P(WaitingAheadTest, GoesBackUnsentWhereThePeerHangs) {
  ScriptedServer server(testing::NeverAnswer(), peers_.tls());
  const Endpoint endpoint = Few(server, 1);
  TransportBench::Options soon;
  soon.timeout = absl::Milliseconds(300);
  const Ticket first = bench_.Deliver(endpoint, soon);
  const auto ahead = bench_.DeliverMany(endpoint, 3, Ahead());
  EXPECT_EQ(bench_.sink.WaitFor(first)->reason, "timed out");
  for (Ticket t : ahead) EXPECT_TRUE(absl::IsCancelled(bench_.sink.WaitFor(t)->status));
}

TEST_P(WaitingAheadTest, BeginsOnlyWhereAHundredHaveSucceededSinceAFailure) {
  std::atomic<bool> busy = true;
  ScriptedServer server(
      [&busy](const testing::HttpRequest&, testing::Connection& c) {
        c.Answer(busy ? 503 : 200, busy ? "Busy" : "OK");
      },
      peers_.tls());
  const Endpoint endpoint = Few(server, 1);
  EXPECT_EQ(bench_.DeliverAndWait(endpoint).remote_code, 503);
  busy = false;
  // It comes after the failure, to a connection that is free.
  EXPECT_TRUE(absl::IsCancelled(bench_.DeliverAndWait(endpoint, Ahead()).status));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(bench_.DeliverAndWait(endpoint).remote_code, 200);
  EXPECT_EQ(bench_.DeliverAndWait(endpoint, Ahead()).remote_code, 200);
  EXPECT_THAT(server.Requests(), SizeIs(102));
}

TEST_P(WaitingAheadTest, ARefusedCallIsNoFailure) {
  ScriptedServer server(testing::AnswerWith(403, "No"), peers_.tls());
  const Endpoint endpoint = Few(server, 1);
  TransportBench::Options call;
  call.is_call = true;
  EXPECT_EQ(bench_.DeliverAndWait(endpoint, call).remote_code, 403);
  EXPECT_EQ(bench_.DeliverAndWait(endpoint, Ahead()).remote_code, 403);
}

TEST_P(WaitingAheadTest, BeginsNoMoreWhereATenthOfItsTimeIsGone) {
  std::promise<void> waited;
  ScriptedServer server(
      [&waited](const testing::HttpRequest&, testing::Connection& c) {
        waited.get_future().wait();
        c.Answer(200, "OK");
      },
      peers_.tls());
  Endpoint endpoint = Few(server, 1);
  const Ticket first = bench_.Deliver(endpoint);
  ASSERT_TRUE(server.WaitForRequests(1));
  TransportBench::Options late = Ahead();
  late.timeout = endpoint.timeout * 0.8;  // as if it were handed over when a fifth more was left
  const Ticket second = bench_.Deliver(endpoint, late);
  waited.set_value();
  EXPECT_EQ(bench_.sink.WaitFor(first)->remote_code, 200);
  EXPECT_TRUE(absl::IsCancelled(bench_.sink.WaitFor(second)->status));
  EXPECT_THAT(server.Requests(), SizeIs(1));
}

TEST(MostAheadTest, IsForOneLoopAlone) {
  EXPECT_GT(TransportBench(RestDescriptor(), /*threads=*/1).transport().most_ahead(), 0);
  EXPECT_EQ(TransportBench(RestDescriptor(), /*threads=*/2).transport().most_ahead(), 0);
}

}  // namespace
}  // namespace tallybus::rest
