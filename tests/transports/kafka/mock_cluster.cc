// The reader takes every partition from its beginning to its end.
#include "tests/transports/kafka/mock_cluster.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace tallybus::kafka {
namespace {

constexpr char kTopic[] = "tallybus";
constexpr int16_t kProduce = 0;  // its number in the protocol
constexpr int kHourMs = 3'600'000;
constexpr int kPollMs = 60'000;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "mock cluster for the test: %s failed\n", what);
  std::abort();
}

rd_kafka_t* Client(rd_kafka_type_t type,
                   const std::vector<std::pair<const char*, std::string>>& settings) {
  char error[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    Require(rd_kafka_conf_set(conf, name, value.c_str(), error, sizeof(error)) == RD_KAFKA_CONF_OK,
            name);
  }
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  rd_kafka_t* client = rd_kafka_new(type, conf, error, sizeof(error));
  Require(client != nullptr, "a client");
  return client;
}

StoredMessage Read(const rd_kafka_message_t& message) {
  StoredMessage stored;
  stored.partition = message.partition;
  stored.key.assign(static_cast<const char*>(message.key), message.key_len);
  stored.body.assign(static_cast<const char*>(message.payload), message.len);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return stored;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    stored.headers[name].assign(static_cast<const char*>(value), size);
  }
  return stored;
}

}  // namespace

MockCluster::MockCluster()
    : host_(Client(RD_KAFKA_PRODUCER, {{"client.id", "mock"}})),
      cluster_(rd_kafka_mock_cluster_new(host_, 1)) {
  Require(cluster_ != nullptr, "the cluster");
  Require(
      rd_kafka_mock_topic_create(cluster_, kTopic, kPartitions, 1) == RD_KAFKA_RESP_ERR_NO_ERROR,
      "the topic");
}

MockCluster::~MockCluster() {
  rd_kafka_mock_cluster_destroy(cluster_);
  rd_kafka_destroy(host_);
}

std::string MockCluster::url() const {
  return std::string("kafka://") + rd_kafka_mock_cluster_bootstraps(cluster_);
}

void MockCluster::FailProducing(int error, size_t count, int after_ms) {
  for (size_t i = 0; i < count; ++i) {
    rd_kafka_mock_broker_push_request_error_rtts(cluster_, 1, kProduce, 1, error, after_ms);
  }
}

void MockCluster::DelayProducing(size_t count) {
  FailProducing(RD_KAFKA_RESP_ERR_NO_ERROR, count, kHourMs);
}

void MockCluster::FailTopic(int error) {
  rd_kafka_mock_topic_set_error(cluster_, kTopic, static_cast<rd_kafka_resp_err_t>(error));
}

void MockCluster::SetDown(bool down) {
  const auto error =
      down ? rd_kafka_mock_broker_set_down(cluster_, 1) : rd_kafka_mock_broker_set_up(cluster_, 1);
  Require(error == RD_KAFKA_RESP_ERR_NO_ERROR, "up or down");
}

std::vector<StoredMessage> MockCluster::Messages() {
  rd_kafka_t* reader =
      Client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_)},
                                 {"group.id", "reader"},
                                 {"enable.partition.eof", "true"},
                                 {"fetch.message.max.bytes", "4000000"}});
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(kPartitions);
  for (int i = 0; i < kPartitions; ++i) {
    rd_kafka_topic_partition_list_add(all, kTopic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_assign(reader, all);
  rd_kafka_topic_partition_list_destroy(all);
  std::vector<StoredMessage> messages;
  for (int ends = 0; ends < kPartitions;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(reader, kPollMs);
    Require(message != nullptr, "reading");
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) ++ends;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) messages.push_back(Read(*message));
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(reader);
  rd_kafka_destroy(reader);
  return messages;
}

}  // namespace tallybus::kafka
