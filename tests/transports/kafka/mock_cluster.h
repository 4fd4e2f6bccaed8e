// librdkafka's mock cluster of one broker, with the topic "tallybus", and somebody who reads it.
#ifndef TALLYBUS_TESTS_TRANSPORTS_KAFKA_MOCK_CLUSTER_H_
#define TALLYBUS_TESTS_TRANSPORTS_KAFKA_MOCK_CLUSTER_H_

#include <map>
#include <string>
#include <vector>

struct rd_kafka_s;
struct rd_kafka_mock_cluster_s;

namespace tallybus::kafka {

struct StoredMessage {
  int partition;
  std::string key;
  std::map<std::string, std::string> headers;
  std::string body;
};

// Aborts where it cannot be had.
class MockCluster {
 public:
  static constexpr int kPartitions = 4;

  MockCluster();
  ~MockCluster();
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  std::string url() const;
  // The next so many requests to produce get this rd_kafka_resp_err_t, after so long.
  void FailProducing(int error, size_t count, int after_ms = 0);
  // The next so many are answered after an hour.
  void DelayProducing(size_t count);
  // Of the topic itself, when it is asked for.
  void FailTopic(int error);
  void SetDown(bool down);
  // Partition by partition, each in its order.
  std::vector<StoredMessage> Messages();

 private:
  rd_kafka_s* host_;  // the mock lives in a producer that nobody else uses
  rd_kafka_mock_cluster_s* cluster_;
};

}  // namespace tallybus::kafka

#endif  // TALLYBUS_TESTS_TRANSPORTS_KAFKA_MOCK_CLUSTER_H_
