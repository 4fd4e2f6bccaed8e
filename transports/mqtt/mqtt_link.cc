// Two threads: the link's publishes, another drives the library's socket and brings the PUBACKs.
#include "transports/mqtt/mqtt_link.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tallybus/thread.h"
#include "transports/mqtt/reason_code.h"
#include "transports/parts/attributes.h"

namespace tallybus::mqtt {
namespace {

using parts::NoAnswer;

// A broker that takes the connection and says nothing: the others of this endpoint wait so long.
constexpr absl::Duration kLongestConnect = absl::Seconds(5);
constexpr int kKeepAliveSeconds = 30;
constexpr int kLoopMs = 1000;
constexpr size_t kMostUnanswered = 30'000;  // the protocol has 65,535 numbers

struct Message {
  Ticket ticket;
  std::string topic;
  std::vector<parts::Attribute> attributes;
  std::string body;
};

struct Destroy {
  void operator()(mosquitto* client) const { mosquitto_destroy(client); }
};

// The library's state of the process. It is never torn down: the host may use it as well.
void InitialiseLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
}

absl::Status StatusOf(int code, const std::string& url) {
  return absl::UnavailableError(absl::StrCat(url, ": ", mosquitto_strerror(code)));
}

DeliveryResult NotConnected(int code, const std::string& url) {
  const char* reason = parts::kConnectionRefused;
  if (code == MOSQ_ERR_EAI) reason = parts::kHostNotFound;
  if (code == MOSQ_ERR_TLS) reason = parts::kTlsFailure;
  return NoAnswer(StatusOf(code, url), reason, /*never_sent=*/true);
}

DeliveryResult NotPublished(int code, const std::string& url) {
  DeliveryResult result = NoAnswer(StatusOf(code, url), parts::kConnectionReset, true);
  if (code == MOSQ_ERR_OVERSIZE_PACKET || code == MOSQ_ERR_PAYLOAD_SIZE) {
    result.verdict = Verdict::kRejected;
    result.reason = "larger than the broker takes";
  }
  return result;
}

class MqttLink final : public parts::Link {
 public:
  MqttLink(MqttSettings settings, const parts::LinkContext& context)
      : settings_(std::move(settings)), attempts_(context.attempts) {}
  ~MqttLink() override { Disconnect(); }

  void Take(const Delivery& delivery) override {
    const Parcel& parcel = delivery.parcels.front();
    taken_.push_back({delivery.ticket, settings_.topic.For(parcel), parts::AttributesOf(parcel),
                      std::string(parcel.body)});
  }

  void Send() override {
    const std::optional<DeliveryResult> failed = taken_.empty() ? std::nullopt : Connect();
    for (const Message& message : taken_) {
      if (failed) {
        attempts_.Complete(message.ticket, *failed);
      } else {
        Publish(message);
      }
    }
    taken_.clear();
  }

 private:
  std::optional<DeliveryResult> Connect();
  int Prepare();
  void Run();
  void Disconnect();
  void Publish(const Message& message);
  void Lost(DeliveryResult why);

  static void OnConnect(mosquitto*, void* link, int code, int, const mosquitto_property*);
  static void OnPublish(mosquitto*, void* link, int number, int code, const mosquitto_property*);

  const MqttSettings settings_;
  parts::OpenAttempts& attempts_;
  std::vector<Message> taken_;
  std::unique_ptr<mosquitto, Destroy> client_;
  std::thread loop_;
  std::atomic<bool> ending_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool up_ = false;
  std::optional<DeliveryResult> down_;  // why
  std::map<int, Ticket> pending_;       // by the library's number of the message
};

// None where it is connected.
std::optional<DeliveryResult> MqttLink::Connect() {
  {
    std::lock_guard lock(mutex_);
    if (up_ && pending_.size() < kMostUnanswered) return std::nullopt;
  }
  Disconnect();
  InitialiseLibrary();
  client_.reset(mosquitto_new(nullptr, /*clean_session=*/true, this));
  int code = client_ == nullptr ? MOSQ_ERR_NOMEM : Prepare();
  if (code == MOSQ_ERR_SUCCESS) {
    code = mosquitto_connect_async(client_.get(), settings_.host.c_str(), settings_.port,
                                   kKeepAliveSeconds);
  }
  if (code != MOSQ_ERR_SUCCESS) return NotConnected(code, settings_.url);
  loop_ = StartThread("tallybus-mqtt", [this] { Run(); });
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoNanoseconds(std::min(settings_.timeout, kLongestConnect)),
                    [this] { return up_ || down_; });
  if (up_) return std::nullopt;
  if (down_) return down_;
  return NoAnswer(StatusOf(MOSQ_ERR_CONN_PENDING, settings_.url), parts::kTimedOut, true);
}

int MqttLink::Prepare() {
  mosquitto* const client = client_.get();
  mosquitto_threaded_set(client, true);
  mosquitto_connect_v5_callback_set(client, OnConnect);
  mosquitto_publish_v5_callback_set(client, OnPublish);
  std::vector<int> all = {
      mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5),
      mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1),
  };
  if (!settings_.user.empty()) {
    all.push_back(mosquitto_username_pw_set(
        client, settings_.user.c_str(),
        settings_.password.empty() ? nullptr : settings_.password.c_str()));
  }
  if (settings_.tls && settings_.ca_file.empty()) {
    all.push_back(mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1));
  } else if (settings_.tls) {
    all.push_back(
        mosquitto_tls_set(client, settings_.ca_file.c_str(), nullptr, nullptr, nullptr, nullptr));
  }
  const auto wrong = std::find_if(all.begin(), all.end(), [](int code) { return code != 0; });
  return wrong == all.end() ? MOSQ_ERR_SUCCESS : *wrong;
}

void MqttLink::Run() {
  int code = MOSQ_ERR_SUCCESS;
  while (code == MOSQ_ERR_SUCCESS && !ending_) {
    code = mosquitto_loop(client_.get(), kLoopMs, /*max_packets=*/1);
  }
  Lost(NotConnected(code, settings_.url));
}

// A connection that was up has lost what was under way; one that was not has a reason of its own,
// or `why`.
void MqttLink::Lost(DeliveryResult why) {
  std::map<int, Ticket> pending;
  {
    std::lock_guard lock(mutex_);
    up_ = false;
    if (!down_) down_ = std::move(why);
    pending.swap(pending_);
  }
  changed_.notify_all();
  for (const auto& [number, ticket] : pending) {
    attempts_.Complete(ticket, NoAnswer(StatusOf(MOSQ_ERR_CONN_LOST, settings_.url),
                                        parts::kConnectionReset, /*never_sent=*/false));
  }
}

void MqttLink::Disconnect() {
  if (client_ == nullptr) return;
  ending_ = true;
  mosquitto_disconnect(client_.get());
  if (loop_.joinable()) loop_.join();
  client_.reset();
  ending_ = false;
  std::lock_guard lock(mutex_);
  up_ = false;
  down_.reset();
}

void MqttLink::Publish(const Message& message) {
  mosquitto_property* properties = nullptr;
  const absl::Cleanup free = [&properties] { mosquitto_property_free_all(&properties); };
  int code = MOSQ_ERR_SUCCESS;
  for (const parts::Attribute& each : message.attributes) {
    if (code != MOSQ_ERR_SUCCESS) break;
    code = mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY,
                                              each.name.c_str(), each.value.c_str());
  }
  {
    // Held until the number is known: its PUBACK may be here already. The library would keep what
    // it cannot send for a connection that never comes.
    std::lock_guard lock(mutex_);
    int number = 0;
    if (code == MOSQ_ERR_SUCCESS && !up_) code = MOSQ_ERR_NO_CONN;
    if (code == MOSQ_ERR_SUCCESS) {
      code = mosquitto_publish_v5(client_.get(), &number, message.topic.c_str(),
                                  static_cast<int>(message.body.size()), message.body.data(),
                                  /*qos=*/1, /*retain=*/false, properties);
    }
    if (code == MOSQ_ERR_SUCCESS) pending_[number] = message.ticket;
    // This thread may see the end before the other does: whoever comes next connects anew.
    if (code == MOSQ_ERR_NO_CONN || code == MOSQ_ERR_CONN_LOST) up_ = false;
  }
  if (code != MOSQ_ERR_SUCCESS) {
    attempts_.Complete(message.ticket, NotPublished(code, settings_.url));
  }
}

void MqttLink::OnConnect(mosquitto*, void* link, int code, int, const mosquitto_property*) {
  auto& self = *static_cast<MqttLink*>(link);
  {
    std::lock_guard lock(self.mutex_);
    self.up_ = code == MQTT_RC_SUCCESS;
    if (!self.up_) self.down_ = RefusedResult(code, self.settings_.url);
  }
  self.changed_.notify_all();
}

void MqttLink::OnPublish(mosquitto*, void* link, int number, int code, const mosquitto_property*) {
  auto& self = *static_cast<MqttLink*>(link);
  Ticket ticket;
  {
    std::lock_guard lock(self.mutex_);
    const auto found = self.pending_.find(number);
    if (found == self.pending_.end()) return;
    ticket = found->second;
    self.pending_.erase(found);
  }
  self.attempts_.Complete(ticket, PublishResult(code));
}

}  // namespace

std::unique_ptr<parts::Link> MakeMqttLink(MqttSettings settings,
                                          const parts::LinkContext& context) {
  return std::make_unique<MqttLink>(std::move(settings), context);
}

}  // namespace tallybus::mqtt
