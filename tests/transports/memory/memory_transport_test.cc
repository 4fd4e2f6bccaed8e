// The memory transport: the conformance suite, and what it is as a test double.
#include "transports/memory/memory_transport.h"

#include <gmock/gmock.h>

#include "tests/conformance/transport_bench.h"
#include "tests/conformance/transport_conformance.h"

namespace tallybus::memory {
namespace {

using testing::PeerMood;
using ::testing::SizeIs;

Behaviour BehaviourOf(PeerMood mood) {
  switch (mood) {
    case PeerMood::kAccepts:
      return Accept();
    case PeerMood::kRefuses:
      return Refuse();
    case PeerMood::kHangs:
      return Hang();
    case PeerMood::kRejects:
      return Reject();
    case PeerMood::kOverloaded:
      return Overload(testing::kOverloadHint);
  }
  return Accept();
}

class MemoryPeer final : public testing::Peer {
 public:
  explicit MemoryPeer(Recorder& recorder) : recorder_(recorder) {}
  Endpoint endpoint() override { return testing::EndpointAt("memory:peer"); }
  std::vector<testing::Arrival> Arrivals() override {
    std::vector<testing::Arrival> arrivals;
    for (const Received& r : recorder_.All()) {
      arrivals.push_back({.body = r.body,
                          .method = r.event.method,
                          .event_id = r.event.id.ToString(),
                          .time = Rfc3339Millis(r.event.time),
                          .lane = r.lane,
                          .lane_sequence = r.lane_sequence,
                          .attempt = r.attempt,
                          .redelivery = r.redelivery,
                          .from_router = r.event.from_router});
    }
    return arrivals;
  }

 private:
  Recorder& recorder_;
};

class MemorySubject final : public testing::ConformanceSubject {
 public:
  TransportDescriptor descriptor() override { return MemoryDescriptor(recorder_); }
  std::unique_ptr<testing::Peer> MakePeer(PeerMood mood) override {
    recorder_.Behave(BehaviourOf(mood));
    return std::make_unique<MemoryPeer>(recorder_);
  }

 private:
  Recorder recorder_;
};

TALLYBUS_TRANSPORT_CONFORMANCE(Memory, [] { return std::make_unique<MemorySubject>(); });

TEST(MemoryTransportTest, KeepsNoMoreThanItsCapacityAndCountsTheRest) {
  Recorder recorder(3);
  testing::TransportBench bench(MemoryDescriptor(recorder));
  const Endpoint endpoint = testing::EndpointAt("memory:peer");
  const auto tickets = bench.DeliverMany(endpoint, 5, {});
  for (Ticket ticket : tickets) {
    EXPECT_EQ(bench.sink.WaitFor(ticket)->verdict, Verdict::kDelivered);
  }
  EXPECT_THAT(recorder.All(), SizeIs(3));
  EXPECT_EQ(recorder.not_kept(), 2u);
}

TEST(MemoryTransportTest, AnswersAsTheTestSays) {
  Recorder recorder;
  recorder.Behave([](const Received& received) -> std::optional<DeliveryResult> {
    DeliveryResult result;
    result.verdict = received.attempt == 1 ? Verdict::kRetryLater : Verdict::kDelivered;
    result.remote_code = received.attempt == 1 ? 500 : 200;
    return result;
  });
  testing::TransportBench bench(MemoryDescriptor(recorder));
  const Endpoint endpoint = testing::EndpointAt("memory:peer");
  EXPECT_EQ(bench.DeliverAndWait(endpoint).verdict, Verdict::kRetryLater);
  testing::TransportBench::Options again;
  again.attempt = 2;
  EXPECT_EQ(bench.DeliverAndWait(endpoint, again).verdict, Verdict::kDelivered);
}

TEST(MemoryTransportTest, GivesTheAnswerOnlyToThoseWhoReadIt) {
  Recorder recorder;
  testing::TransportBench bench(MemoryDescriptor(recorder));
  const Endpoint endpoint = testing::EndpointAt("memory:peer");
  testing::TransportBench::Options options;
  EXPECT_EQ(bench.DeliverAndWait(endpoint, options).answer, "");
  options.want_answer = true;
  EXPECT_EQ(bench.DeliverAndWait(endpoint, options).answer, options.body);
}

TEST(MemoryTransportTest, RefusesAnAddressThatIsNotItsOwn) {
  Recorder recorder;
  const auto descriptor = MemoryDescriptor(recorder);
  EXPECT_TRUE(descriptor.check(testing::EndpointAt("memory:x")).ok());
  EXPECT_FALSE(descriptor.check(testing::EndpointAt("http://x")).ok());
}

}  // namespace
}  // namespace tallybus::memory
