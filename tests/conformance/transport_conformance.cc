// The suite: one test for each sentence of a transport's contract.
#include "tests/conformance/transport_conformance.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/conformance/transport_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::SizeIs;

// Far beyond what any peer here needs, and well under a test's own time limit.
constexpr absl::Duration kPatience = absl::Seconds(10);

TransportBench::Options Within(absl::Duration timeout) {
  TransportBench::Options options;
  options.timeout = timeout;
  return options;
}

}  // namespace

// `auto peer = subject_->MakePeer(mood)`, or the end of the test where there can be none.
#define MAKE_PEER_OR_SKIP(peer, mood)                                 \
  if (const auto why = subject_->NotApplicable(mood); !why.empty()) { \
    GTEST_SKIP() << "not applicable: " << why;                        \
  }                                                                   \
  auto peer = subject_->MakePeer(mood)

void TransportConformance::SetUp() { subject_ = GetParam()(); }

TEST_P(TransportConformance, BytesArriveExactly) {
  auto peer = subject_->MakePeer(PeerMood::kAccepts);
  TransportBench bench(subject_->descriptor());
  TransportBench::Options options;
  options.body = "{\"name\":\"\xd0\xb6\\u0000\\\"%25&=\",\r\n \"n\":1}\n";
  EXPECT_EQ(bench.DeliverAndWait(peer->endpoint(), options).verdict, Verdict::kDelivered);
  const auto arrivals = peer->Arrivals();
  ASSERT_THAT(arrivals, SizeIs(1));
  EXPECT_EQ(arrivals[0].body, subject_->AsWritten(options.body));
}

TEST_P(TransportConformance, EveryAttributeSurvives) {
  auto peer = subject_->MakePeer(PeerMood::kAccepts);
  TransportBench bench(subject_->descriptor());
  TransportBench::Options options;
  options.method = "ConnectionStatusEvent";
  options.lane = "app key/\xd0\xb6\r\n%41/name";
  options.lane_sequence = 1234567890123;
  options.attempt = 17;
  options.redelivery = true;
  options.from_router = true;
  const Ticket ticket = bench.Deliver(peer->endpoint(), options);
  ASSERT_TRUE(bench.sink.WaitFor(ticket));
  const auto arrivals = peer->Arrivals();
  ASSERT_THAT(arrivals, SizeIs(1));
  const Arrival& arrival = arrivals[0];
  EXPECT_EQ(arrival.method, options.method);
  EXPECT_EQ(arrival.event_id, bench.EventOf(ticket).id.ToString());
  EXPECT_EQ(arrival.time, Rfc3339Millis(bench.EventOf(ticket).time));
  EXPECT_EQ(arrival.lane, options.lane);
  EXPECT_EQ(arrival.lane_sequence, options.lane_sequence);
  EXPECT_EQ(arrival.attempt, options.attempt);
  EXPECT_TRUE(arrival.redelivery);
  EXPECT_TRUE(arrival.from_router);
}

TEST_P(TransportConformance, FlagsThatAreNotSetDoNotArrive) {
  auto peer = subject_->MakePeer(PeerMood::kAccepts);
  TransportBench bench(subject_->descriptor());
  bench.DeliverAndWait(peer->endpoint());
  const auto arrivals = peer->Arrivals();
  ASSERT_THAT(arrivals, SizeIs(1));
  EXPECT_FALSE(arrivals[0].redelivery);
  EXPECT_FALSE(arrivals[0].from_router);
}

TEST_P(TransportConformance, EachTicketCompletesOnce) {
  auto peer = subject_->MakePeer(PeerMood::kAccepts);
  TransportBench bench(subject_->descriptor());
  const auto tickets = bench.DeliverMany(peer->endpoint(), 50, Within(kPatience));
  ASSERT_TRUE(bench.sink.WaitForTickets(tickets.size()));
  bench.Stop(kPatience);
  for (Ticket ticket : tickets) EXPECT_EQ(bench.sink.Completions(ticket), 1);
  EXPECT_EQ(bench.sink.total(), tickets.size());
}

TEST_P(TransportConformance, APeerThatRefusesCompletesTheTicket) {
  MAKE_PEER_OR_SKIP(peer, PeerMood::kRefuses);
  TransportBench bench(subject_->descriptor());
  const auto result = bench.DeliverAndWait(peer->endpoint());
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.remote_code, 0);
  EXPECT_EQ(result.reason, "connection refused");
  EXPECT_FALSE(result.status.ok());
}

TEST_P(TransportConformance, APeerThatHangsCompletesByTheDeadline) {
  MAKE_PEER_OR_SKIP(peer, PeerMood::kHangs);
  TransportBench bench(subject_->descriptor());
  const MonoTime begin = bench.clock.Now();
  const auto result = bench.DeliverAndWait(peer->endpoint(), Within(absl::Milliseconds(200)));
  const absl::Duration took = bench.clock.Now() - begin;
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.remote_code, 0);
  EXPECT_EQ(result.reason, "timed out");
  EXPECT_FALSE(result.never_sent);  // the peer has it
  EXPECT_GE(took, absl::Milliseconds(150));
  EXPECT_LT(took, absl::Milliseconds(200) + absl::Seconds(1));  // then the router gives it up
}

TEST_P(TransportConformance, ADeadlineInThePastTimesOut) {
  MAKE_PEER_OR_SKIP(peer, PeerMood::kHangs);
  TransportBench bench(subject_->descriptor());
  const auto result = bench.DeliverAndWait(peer->endpoint(), Within(absl::Milliseconds(-1)));
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.reason, "timed out");
}

TEST_P(TransportConformance, APermanentFailureIsRejected) {
  MAKE_PEER_OR_SKIP(peer, PeerMood::kRejects);
  TransportBench bench(subject_->descriptor());
  const auto result = bench.DeliverAndWait(peer->endpoint());
  EXPECT_EQ(result.verdict, Verdict::kRejected);
  EXPECT_FALSE(result.status.ok());
  EXPECT_FALSE(result.reason.empty());
}

TEST_P(TransportConformance, OverloadIsRetriedWithThePeersHint) {
  MAKE_PEER_OR_SKIP(peer, PeerMood::kOverloaded);
  TransportBench bench(subject_->descriptor());
  const auto result = bench.DeliverAndWait(peer->endpoint());
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.retry_after, kOverloadHint);
}

TEST_P(TransportConformance, StopCompletesOpenTickets) {
  MAKE_PEER_OR_SKIP(peer, PeerMood::kHangs);
  TransportBench bench(subject_->descriptor());
  const auto tickets = bench.DeliverMany(peer->endpoint(), 20, Within(absl::Hours(1)));
  bench.Stop(absl::Milliseconds(50));
  for (Ticket ticket : tickets) {
    ASSERT_EQ(bench.sink.Completions(ticket), 1);
    const auto result = bench.sink.WaitFor(ticket);
    EXPECT_EQ(result->verdict, Verdict::kRetryLater);
    EXPECT_EQ(result->remote_code, 0);
    EXPECT_EQ(result->status.code(), absl::StatusCode::kCancelled);
  }
}

TEST_P(TransportConformance, StopLetsOpenAttemptsFinish) {
  auto peer = subject_->MakePeer(PeerMood::kAccepts);
  TransportBench bench(subject_->descriptor());
  const auto tickets = bench.DeliverMany(peer->endpoint(), 20, Within(kPatience));
  bench.Stop(kPatience);
  for (Ticket ticket : tickets) {
    ASSERT_EQ(bench.sink.Completions(ticket), 1);
    EXPECT_EQ(bench.sink.WaitFor(ticket)->verdict, Verdict::kDelivered);
  }
}

TEST_P(TransportConformance, AnIdleTransportStopsAtOnce) {
  auto peer = subject_->MakePeer(PeerMood::kAccepts);
  TransportBench bench(subject_->descriptor());
  bench.DeliverAndWait(peer->endpoint());
  const MonoTime begin = bench.clock.Now();
  bench.Stop(absl::Minutes(1));
  EXPECT_LT(bench.clock.Now() - begin, absl::Seconds(10));
}

TEST_P(TransportConformance, ASecondStopDoesNothing) {
  MAKE_PEER_OR_SKIP(peer, PeerMood::kHangs);
  TransportBench bench(subject_->descriptor());
  const Ticket ticket = bench.Deliver(peer->endpoint(), Within(absl::Hours(1)));
  bench.Stop(absl::ZeroDuration());
  bench.Stop(absl::ZeroDuration());
  EXPECT_EQ(bench.sink.Completions(ticket), 1);
}

TEST_P(TransportConformance, ADeliveryAfterStopIsRetriedLater) {
  auto peer = subject_->MakePeer(PeerMood::kAccepts);
  TransportBench bench(subject_->descriptor());
  bench.Stop(kPatience);
  const auto result = bench.DeliverAndWait(peer->endpoint());
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(result.remote_code, 0);
  EXPECT_THAT(peer->Arrivals(), SizeIs(0));
}

TEST_P(TransportConformance, AMebibyteArrives) {
  auto peer = subject_->MakePeer(PeerMood::kAccepts);
  TransportBench bench(subject_->descriptor());
  TransportBench::Options options;
  options.body = "{\"sdp\":\"";
  while (options.body.size() < kMaxEventBytes - 2) {
    options.body += static_cast<char>('a' + options.body.size() % 23);
  }
  options.body += "\"}";
  EXPECT_EQ(bench.DeliverAndWait(peer->endpoint(), options).verdict, Verdict::kDelivered);
  const auto arrivals = peer->Arrivals();
  ASSERT_THAT(arrivals, SizeIs(1));
  EXPECT_TRUE(arrivals[0].body == options.body);  // EXPECT_EQ would print both
}

TEST_P(TransportConformance, AThousandInFlightAllArrive) {
  auto peer = subject_->MakePeer(PeerMood::kAccepts);
  TransportBench bench(subject_->descriptor());
  const auto tickets = bench.DeliverMany(peer->endpoint(), 1000, Within(absl::Seconds(30)));
  ASSERT_TRUE(bench.sink.WaitForTickets(tickets.size()));
  for (Ticket ticket : tickets) {
    EXPECT_EQ(bench.sink.WaitFor(ticket)->verdict, Verdict::kDelivered);
  }
  std::set<std::string> ids;
  const auto arrivals = peer->Arrivals();
  for (const Arrival& arrival : arrivals) ids.insert(arrival.event_id);
  EXPECT_THAT(arrivals, SizeIs(1000));
  EXPECT_THAT(ids, SizeIs(1000));
}

TEST_P(TransportConformance, AThousandAtAPeerThatHangsAllTimeOut) {
  MAKE_PEER_OR_SKIP(peer, PeerMood::kHangs);
  TransportBench bench(subject_->descriptor());
  const auto tickets = bench.DeliverMany(peer->endpoint(), 1000, Within(absl::Milliseconds(300)));
  ASSERT_TRUE(bench.sink.WaitForTickets(tickets.size()));
  for (Ticket ticket : tickets) EXPECT_EQ(bench.sink.WaitFor(ticket)->reason, "timed out");
}

}  // namespace tallybus::testing
