// Two threads: the link's produces, another serves the library's reports. A message carries its
// ticket, so nothing is kept of it here.
#include "transports/kafka/kafka_link.h"

#include <absl/strings/str_cat.h>
#include <librdkafka/rdkafka.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tallybus/thread.h"
#include "transports/kafka/delivery_report.h"
#include "transports/parts/attributes.h"

namespace tallybus::kafka {
namespace {

constexpr int kPollMs = 100;

struct Message {
  Ticket ticket;
  std::string key;
  std::vector<parts::Attribute> attributes;
  std::string body;
};

struct DestroyConf {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, DestroyConf>;

struct DestroyHeaders {
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
};
using Headers = std::unique_ptr<rd_kafka_headers_t, DestroyHeaders>;

// Its text of an error may repeat a value: only the name is told.
absl::StatusOr<Conf> MakeConf(const KafkaSettings& settings) {
  Conf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : settings.properties) {
    char ignored[256];
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), ignored, sizeof(ignored)) !=
        RD_KAFKA_CONF_OK) {
      return absl::InvalidArgumentError(absl::StrCat("url: librdkafka refuses its ", name));
    }
  }
  return conf;
}

class KafkaLink final : public parts::Link {
 public:
  KafkaLink(KafkaSettings settings, const parts::LinkContext& context)
      : settings_(std::move(settings)), attempts_(context.attempts) {}
  ~KafkaLink() override { End(); }

  void Take(const Delivery& delivery) override {
    const Parcel& parcel = delivery.parcels.front();
    taken_.push_back({delivery.ticket, std::string(parcel.lane), parts::AttributesOf(parcel),
                      std::string(parcel.body)});
  }

  void Send() override {
    if (down_ != RD_KAFKA_RESP_ERR_NO_ERROR) End();
    const int error = producer_ == nullptr ? Begin() : RD_KAFKA_RESP_ERR_NO_ERROR;
    for (const Message& message : taken_) {
      const int produced = error == RD_KAFKA_RESP_ERR_NO_ERROR ? Produce(message) : error;
      if (produced == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      attempts_.Complete(message.ticket, ReadReport(produced, /*never_sent=*/true, settings_.url));
    }
    taken_.clear();
  }

 private:
  int Begin();
  int Produce(const Message& message);
  void Serve();
  void End();

  static void OnReport(rd_kafka_t*, const rd_kafka_message_t* message, void* link);
  static void OnError(rd_kafka_t*, int error, const char*, void* link);

  const KafkaSettings settings_;
  parts::OpenAttempts& attempts_;
  std::vector<Message> taken_;
  rd_kafka_t* producer_ = nullptr;
  std::thread server_;
  std::atomic<bool> ending_{false};
  std::atomic<int> down_{RD_KAFKA_RESP_ERR_NO_ERROR};   // why, where the producer is of no use
  std::atomic<int> cause_{RD_KAFKA_RESP_ERR_NO_ERROR};  // what one of its brokers said last of us
};

int KafkaLink::Begin() {
  auto conf = MakeConf(settings_);
  if (!conf.ok()) return RD_KAFKA_RESP_ERR__INVALID_ARG;
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_dr_msg_cb(conf->get(), OnReport);
  rd_kafka_conf_set_error_cb(conf->get(), OnError);
  // What matters of it comes as reports and errors; else it would write to stderr.
  rd_kafka_conf_set_log_cb(conf->get(), [](const rd_kafka_t*, int, const char*, const char*) {});
  char ignored[256];
  producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf->get(), ignored, sizeof(ignored));
  if (producer_ == nullptr) return rd_kafka_last_error();
  conf->release();  // is the producer's now
  server_ = StartThread("tallybus-kafka", [this] { Serve(); });
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

int KafkaLink::Produce(const Message& message) {
  Headers headers(rd_kafka_headers_new(message.attributes.size()));
  for (const parts::Attribute& each : message.attributes) {
    rd_kafka_header_add(headers.get(), each.name.data(), static_cast<ssize_t>(each.name.size()),
                        each.value.data(), static_cast<ssize_t>(each.value.size()));
  }
  const auto error = rd_kafka_producev(
      producer_, RD_KAFKA_V_TOPIC(settings_.topic.c_str()),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY(message.key.data(), message.key.size()),
      RD_KAFKA_V_VALUE(const_cast<char*>(message.body.data()), message.body.size()),
      RD_KAFKA_V_HEADERS(headers.get()),
      RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(static_cast<uintptr_t>(message.ticket))),
      RD_KAFKA_V_END);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) headers.release();  // are the message's now
  return error;
}

void KafkaLink::Serve() {
  while (!ending_) {
    rd_kafka_poll(producer_, kPollMs);
    // Without a broker the library would go on trying by itself; the router does that.
    if (down_ != RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    }
  }
  rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  while (rd_kafka_poll(producer_, 0) > 0) {
  }
}

void KafkaLink::End() {
  if (producer_ == nullptr) return;
  ending_ = true;
  server_.join();
  rd_kafka_destroy(producer_);
  producer_ = nullptr;
  ending_ = false;
  down_ = cause_ = RD_KAFKA_RESP_ERR_NO_ERROR;
}

void KafkaLink::OnReport(rd_kafka_t*, const rd_kafka_message_t* message, void* link) {
  auto& self = *static_cast<KafkaLink*>(link);
  const int purged = self.down_;
  int error = message->err;
  const bool never_sent = rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
  if (error == RD_KAFKA_RESP_ERR__PURGE_QUEUE && purged != RD_KAFKA_RESP_ERR_NO_ERROR) {
    error = purged;
  }
  self.attempts_.Complete(static_cast<Ticket>(reinterpret_cast<uintptr_t>(message->_private)),
                          ReadReport(error, never_sent, self.settings_.url));
}

void KafkaLink::OnError(rd_kafka_t*, int error, const char*, void* link) {
  auto& self = *static_cast<KafkaLink*>(link);
  switch (error) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
      self.cause_ = error;  // of one broker, until all are down
      break;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      self.down_ = self.cause_ != RD_KAFKA_RESP_ERR_NO_ERROR ? self.cause_.load() : error;
      break;
    case RD_KAFKA_RESP_ERR__FATAL:
      self.down_ = error;
      break;
    default:
      break;  // of one broker; the library knows others, or the attempt times out
  }
}

}  // namespace

std::unique_ptr<parts::Link> MakeKafkaLink(KafkaSettings settings,
                                           const parts::LinkContext& context) {
  return std::make_unique<KafkaLink>(std::move(settings), context);
}

absl::Status CheckProperties(const KafkaSettings& settings) { return MakeConf(settings).status(); }

}  // namespace tallybus::kafka
