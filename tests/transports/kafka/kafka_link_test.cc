// One cluster: its end and its return, its errors, the order of a lane.
#include "transports/kafka/kafka_link.h"

#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include <set>

#include "tests/conformance/transport_bench.h"
#include "tests/transports/kafka/mock_cluster.h"
#include "transports/kafka/kafka_transport.h"

namespace tallybus::kafka {
namespace {

using ::testing::ElementsAre;
using testing::EndpointAt;
using ::testing::Pair;
using ::testing::SizeIs;
using testing::TransportBench;

TEST(KafkaLinkTest, AClusterThatGoesDownIsFoundAgain) {
  MockCluster cluster;
  TransportBench bench(KafkaDescriptor());
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt(cluster.url())).verdict, Verdict::kDelivered);
  cluster.SetDown(true);
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt(cluster.url())).verdict, Verdict::kRetryLater);
  const DeliveryResult refused = bench.DeliverAndWait(EndpointAt(cluster.url()));
  EXPECT_EQ(refused.verdict, Verdict::kRetryLater);
  EXPECT_TRUE(refused.never_sent);
  cluster.SetDown(false);
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt(cluster.url())).verdict, Verdict::kDelivered);
}

TEST(KafkaLinkTest, AnErrorThatPassesIsTheLibrarysMatter) {
  MockCluster cluster;
  cluster.FailProducing(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 2);
  TransportBench bench(KafkaDescriptor());
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt(cluster.url())).verdict, Verdict::kDelivered);
  EXPECT_THAT(cluster.Messages(), SizeIs(1));
}

TEST(KafkaLinkTest, ATopicThatIsNotThereHoldsTheEvents) {
  MockCluster cluster;
  cluster.FailTopic(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  TransportBench bench(KafkaDescriptor());
  Endpoint endpoint = EndpointAt(cluster.url());
  endpoint.timeout = absl::Seconds(4);
  EXPECT_EQ(bench.DeliverAndWait(endpoint).verdict, Verdict::kHold);
}

TEST(KafkaLinkTest, ATopicThatMayNotBeWrittenHoldsTheEvents) {
  MockCluster cluster;
  cluster.FailProducing(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 10);
  TransportBench bench(KafkaDescriptor());
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt(cluster.url())).verdict, Verdict::kHold);
}

// What many were refused in one request for may be one's of them.
class KafkaLinkRefusalTest : public ::testing::Test {
 protected:
  static constexpr int kEvents = 200;

  std::map<Verdict, int> DeliverTogether() {
    std::map<Verdict, int> became;
    const Endpoint endpoint = EndpointAt(cluster.url());
    for (const Ticket ticket : bench.DeliverMany(endpoint, kEvents, TransportBench::Options())) {
      const auto result = bench.sink.WaitFor(ticket);
      if (result) ++became[result->verdict];
    }
    return became;
  }

  MockCluster cluster;
  TransportBench bench{KafkaDescriptor()};
};

TEST_F(KafkaLinkRefusalTest, WhatWasTooLargeTogetherArrivesAlone) {
  for (int error : {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD}) {
    cluster.FailProducing(error, 1);
    EXPECT_THAT(DeliverTogether(), ElementsAre(Pair(Verdict::kDelivered, kEvents))) << error;
  }
  std::set<std::string> lanes;
  const std::vector<StoredMessage> messages = cluster.Messages();
  for (const StoredMessage& message : messages) {
    lanes.insert(message.key);
    EXPECT_EQ(message.body, TransportBench::Options().body);
    EXPECT_EQ(message.headers.at("tallybus-lane"), message.key);
  }
  EXPECT_THAT(messages, SizeIs(2 * kEvents)) << "once each";
  EXPECT_THAT(lanes, SizeIs(kEvents));
}

TEST_F(KafkaLinkRefusalTest, OnlyWhatIsTooLargeByItselfIsRejected) {
  constexpr int kRequests = 40;
  cluster.FailProducing(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, kRequests);
  std::map<Verdict, int> became = DeliverTogether();
  EXPECT_GT(became[Verdict::kRejected], 0);
  EXPECT_LT(became[Verdict::kRejected], kRequests) << "the first of them held several";
  EXPECT_EQ(became[Verdict::kDelivered] + became[Verdict::kRejected], kEvents);
  EXPECT_THAT(cluster.Messages(), SizeIs(became[Verdict::kDelivered]));
}

TEST_F(KafkaLinkRefusalTest, WhatIsTooLargeAloneTooIsRejectedAndTheNextGoesOn) {
  cluster.FailProducing(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 2);
  const DeliveryResult large = bench.DeliverAndWait(EndpointAt(cluster.url()));
  EXPECT_EQ(large.verdict, Verdict::kRejected);
  EXPECT_EQ(large.reason, "Broker: Message size too large");
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt(cluster.url())).verdict, Verdict::kDelivered);
  EXPECT_THAT(cluster.Messages(), SizeIs(1));
}

TEST_F(KafkaLinkRefusalTest, ARefusalThatComesLateIsALaterAttemptsMatter) {
  cluster.FailProducing(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1, /*after_ms=*/2500);
  TransportBench::Options options;
  Endpoint endpoint = EndpointAt(cluster.url());
  options.timeout = endpoint.timeout = absl::Seconds(4);
  EXPECT_EQ(bench.DeliverAndWait(endpoint, options).verdict, Verdict::kRetryLater);
  EXPECT_THAT(cluster.Messages(), SizeIs(0));
}

TEST(KafkaLinkTest, ALaneIsOnePartitionsAndStaysInOrder) {
  MockCluster cluster;
  TransportBench bench(KafkaDescriptor());
  TransportBench::Options options;
  for (int i = 0; i < 40; ++i) {
    options.lane = "app/" + std::to_string(i % 8);
    options.lane_sequence = static_cast<uint64_t>(1 + i / 8);
    bench.DeliverAndWait(EndpointAt(cluster.url()), options);
  }
  std::map<std::string, std::set<int>> partitions;
  std::map<std::string, int> last;
  for (StoredMessage& message : cluster.Messages()) {
    partitions[message.key].insert(message.partition);
    EXPECT_EQ(std::stoi(message.headers["tallybus-sequence"]), ++last[message.key]);
  }
  EXPECT_THAT(partitions, SizeIs(8));
  for (const auto& [lane, its] : partitions) EXPECT_THAT(its, SizeIs(1)) << lane;
}

TEST(KafkaLinkTest, ALaneWithoutANameGoesAnywhere) {
  MockCluster cluster;
  TransportBench bench(KafkaDescriptor());
  TransportBench::Options options;
  options.lane = "";
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt(cluster.url()), options).verdict, Verdict::kDelivered);
}

TEST(KafkaLinkTest, TheLibraryTakesWhatTheSettingsSay) {
  Endpoint endpoint = EndpointAt("kafkas://a:9092");
  for (const char* mechanism : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    endpoint.options = {{"user", "u"}, {"password", "p"}, {"mechanism", mechanism}};
    EXPECT_TRUE(KafkaDescriptor().check(endpoint).ok()) << mechanism;
  }
}

}  // namespace
}  // namespace tallybus::kafka
