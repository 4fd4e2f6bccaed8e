// The link's thread produces, and each producer has one that serves the library's reports. A
// message carries its ticket, so nothing is kept of it here.
#include "transports/kafka/kafka_link.h"

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <librdkafka/rdkafka.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tallybus/thread.h"
#include "transports/kafka/delivery_report.h"
#include "transports/parts/attributes.h"

namespace tallybus::kafka {
namespace {

constexpr int kPollMs = 100;

struct DestroyConf {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, DestroyConf>;

struct DestroyHeaders {
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
};
using Headers = std::unique_ptr<rd_kafka_headers_t, DestroyHeaders>;

struct Message {
  Ticket ticket;
  std::string key;
  Headers headers;
  std::string body;
};

Headers HeadersOf(const std::vector<parts::Attribute>& attributes) {
  Headers headers(rd_kafka_headers_new(attributes.size()));
  for (const parts::Attribute& each : attributes) {
    rd_kafka_header_add(headers.get(), each.name.data(), static_cast<ssize_t>(each.name.size()),
                        each.value.data(), static_cast<ssize_t>(each.value.size()));
  }
  return headers;
}

Ticket TicketOf(const rd_kafka_message_t& message) {
  return static_cast<Ticket>(reinterpret_cast<uintptr_t>(message._private));
}

// What was produced, as it was.
Message MessageOf(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;  // stay the library's
  const auto found = rd_kafka_message_headers(&message, &headers);
  return {TicketOf(message), std::string(static_cast<const char*>(message.key), message.key_len),
          Headers(found == RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_headers_copy(headers)
                                                      : rd_kafka_headers_new(0)),
          std::string(static_cast<const char*>(message.payload), message.len)};
}

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

// One of the library's, begun by its first message, and again by the next one where no broker was
// left; with the thread that serves its reports.
class Producer {
 public:
  // On the thread that serves.
  using OnReport = std::function<void(const rd_kafka_message_t& message, DeliveryResult result)>;

  Producer(KafkaSettings settings, OnReport on_report)
      : settings_(std::move(settings)), on_report_(std::move(on_report)) {}
  ~Producer() { End(); }

  // [one thread] What is wrong, where the library does not take it: then no report will come.
  std::optional<DeliveryResult> Produce(Message message);

 private:
  int Begin();
  int Hand(Message message);
  void Serve();
  void End();

  static void OnMessage(rd_kafka_t*, const rd_kafka_message_t* message, void* producer);
  static void OnError(rd_kafka_t*, int error, const char*, void* producer);

  const KafkaSettings settings_;
  const OnReport on_report_;
  rd_kafka_t* producer_ = nullptr;
  std::thread server_;
  std::atomic<bool> ending_{false};
  std::atomic<int> down_{RD_KAFKA_RESP_ERR_NO_ERROR};   // why, where the producer is of no use
  std::atomic<int> cause_{RD_KAFKA_RESP_ERR_NO_ERROR};  // what one of its brokers said last of us
};

std::optional<DeliveryResult> Producer::Produce(Message message) {
  if (down_ != RD_KAFKA_RESP_ERR_NO_ERROR) End();
  int error = producer_ == nullptr ? Begin() : RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = Hand(std::move(message));
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  return ReadReport(error, /*never_sent=*/true, settings_.url);
}

int Producer::Begin() {
  auto conf = MakeConf(settings_);
  if (!conf.ok()) return RD_KAFKA_RESP_ERR__INVALID_ARG;
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_dr_msg_cb(conf->get(), OnMessage);
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

int Producer::Hand(Message message) {
  const auto error = rd_kafka_producev(
      producer_, RD_KAFKA_V_TOPIC(settings_.topic.c_str()),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY(message.key.data(), message.key.size()),
      RD_KAFKA_V_VALUE(message.body.data(), message.body.size()),
      RD_KAFKA_V_HEADERS(message.headers.get()),
      RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(static_cast<uintptr_t>(message.ticket))),
      RD_KAFKA_V_END);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) message.headers.release();  // are the library's now
  return error;
}

void Producer::Serve() {
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

void Producer::End() {
  if (producer_ == nullptr) return;
  ending_ = true;
  server_.join();
  rd_kafka_destroy(producer_);
  producer_ = nullptr;
  ending_ = false;
  down_ = cause_ = RD_KAFKA_RESP_ERR_NO_ERROR;
}

void Producer::OnMessage(rd_kafka_t*, const rd_kafka_message_t* message, void* producer) {
  auto& self = *static_cast<Producer*>(producer);
  const int purged = self.down_;
  int error = message->err;
  const bool never_sent = rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
  if (error == RD_KAFKA_RESP_ERR__PURGE_QUEUE && purged != RD_KAFKA_RESP_ERR_NO_ERROR) {
    error = purged;
  }
  self.on_report_(*message, ReadReport(error, never_sent, self.settings_.url));
}

// A handshake that fails may be told as a connection that is lost, by OpenSSL's words alone.
int CauseOf(int error, std::string_view words) {
  const bool tls = error == RD_KAFKA_RESP_ERR__TRANSPORT && words.find("SSL") != words.npos;
  return tls ? RD_KAFKA_RESP_ERR__SSL : error;
}

void Producer::OnError(rd_kafka_t*, int told, const char* words, void* producer) {
  auto& self = *static_cast<Producer*>(producer);
  const int error = CauseOf(told, words);
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

class KafkaLink final : public parts::Link {
 public:
  KafkaLink(const KafkaSettings& settings, const parts::LinkContext& context)
      : attempts_(context.attempts),
        half_(settings.timeout / 2),
        alone_(Alone(settings),
               [this](const rd_kafka_message_t& message, DeliveryResult result) {
                 attempts_.Complete(TicketOf(message), std::move(result));
               }),
        together_(settings, [this](const rd_kafka_message_t& message, DeliveryResult result) {
          Judge(message, std::move(result));
        }) {}

  void Take(const Delivery& delivery) override {
    const Parcel& parcel = delivery.parcels.front();
    taken_.push_back({delivery.ticket, std::string(parcel.lane),
                      HeadersOf(parts::AttributesOf(parcel)), std::string(parcel.body)});
  }

  void Send() override {
    for (Message& message : taken_) Produce(together_, std::move(message));
    taken_.clear();
  }

 private:
  void Produce(Producer& producer, Message message) {
    const Ticket ticket = message.ticket;
    auto refused = producer.Produce(std::move(message));
    if (refused) attempts_.Complete(ticket, *std::move(refused));
  }

  // Brokers answer for a request: one message that is too large condemns all that went with it. So
  // each goes again in a request of its own, whose answer is its own; where half of the attempt's
  // time is over, with a later attempt, so that the library is done with it before the router is.
  void Judge(const rd_kafka_message_t& message, DeliveryResult result) {
    if (result.verdict == Verdict::kRejected) {
      if (absl::Microseconds(rd_kafka_message_latency(&message)) < half_) {
        return Produce(alone_, MessageOf(message));
      }
      result.verdict = Verdict::kRetryLater;
    }
    attempts_.Complete(TicketOf(message), std::move(result));
  }

  parts::OpenAttempts& attempts_;
  const absl::Duration half_;
  std::vector<Message> taken_;
  Producer alone_;     // [the thread that serves the other's reports]
  Producer together_;  // [link] ends first, since its reports may bring a message to the other one
};

}  // namespace

std::unique_ptr<parts::Link> MakeKafkaLink(const KafkaSettings& settings,
                                           const parts::LinkContext& context) {
  return std::make_unique<KafkaLink>(settings, context);
}

absl::Status CheckProperties(const KafkaSettings& settings) { return MakeConf(settings).status(); }

}  // namespace tallybus::kafka
