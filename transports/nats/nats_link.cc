// The library's threads bring answers and the end of a connection; a ticket is completed by whoever
// takes it out of `Pending` first.
#include "transports/nats/nats_link.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <nats/nats.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "transports/nats/publish_ack.h"
#include "transports/parts/attributes.h"

namespace tallybus::nats {
namespace {

using parts::NoAnswer;

// A server that takes the connection and says nothing: the others of this endpoint wait so long.
constexpr absl::Duration kLongestConnect = absl::Seconds(5);
constexpr size_t kMostUnanswered = 65536;
constexpr int64_t kPingEveryMs = 10'000;

struct Message {
  Ticket ticket;
  std::string subject;
  std::vector<parts::Attribute> attributes;
  std::string body;
};

template <typename T, void (*Destroy)(T*)>
struct Destroyer {
  void operator()(T* t) const { Destroy(t); }
};
using MsgPtr = std::unique_ptr<natsMsg, Destroyer<natsMsg, natsMsg_Destroy>>;

absl::Status StatusOf(natsStatus status, const std::string& url) {
  return absl::UnavailableError(absl::StrCat(url, ": ", natsStatus_GetText(status)));
}

DeliveryResult NotConnected(natsStatus status, const std::string& url) {
  const char* reason = parts::kConnectionRefused;
  Verdict verdict = Verdict::kRetryLater;
  switch (status) {
    case NATS_TIMEOUT:
      reason = parts::kTimedOut;
      break;
    case NATS_SSL_ERROR:
    case NATS_SECURE_CONNECTION_WANTED:
    case NATS_SECURE_CONNECTION_REQUIRED:
      reason = parts::kTlsFailure;
      break;
    case NATS_CONNECTION_AUTH_FAILED:
      verdict = Verdict::kHold;  // until somebody mends the credentials
      break;
    default:
      break;
  }
  DeliveryResult result = NoAnswer(StatusOf(status, url), reason, /*never_sent=*/true);
  result.verdict = verdict;
  return result;
}

DeliveryResult NotPublished(natsStatus status, const std::string& url) {
  DeliveryResult result = NoAnswer(StatusOf(status, url), parts::kConnectionReset,
                                   /*never_sent=*/status == NATS_CONNECTION_CLOSED);
  if (status == NATS_MAX_PAYLOAD) {
    result.verdict = Verdict::kRejected;
    result.reason = "larger than the server's max_payload";
  }
  return result;
}

class NatsLink final : public parts::Link {
 public:
  NatsLink(NatsSettings settings, const parts::LinkContext& context)
      : settings_(std::move(settings)), attempts_(context.attempts) {}
  ~NatsLink() override { Disconnect(); }

  void Take(const Delivery& delivery) override {
    const Parcel& parcel = delivery.parcels.front();
    taken_.push_back({delivery.ticket, settings_.subject.For(parcel), parts::AttributesOf(parcel),
                      std::string(parcel.body)});
  }

  void Send() override {
    const natsStatus status = taken_.empty() ? NATS_OK : Connect();
    for (const Message& message : taken_) {
      if (status == NATS_OK) {
        Publish(message);
      } else {
        attempts_.Complete(message.ticket, NotConnected(status, settings_.url));
      }
    }
    taken_.clear();
  }

 private:
  natsStatus Connect();
  natsStatus Prepare(natsOptions* options);
  natsStatus Subscribe();
  void Disconnect();
  void Publish(const Message& message);
  natsStatus Make(const Message& message, MsgPtr* out) const;

  void Complete(Ticket ticket, DeliveryResult result);
  void Lost();
  void SubscriptionMayCall(bool may);
  bool OwesTooMuch();
  static void OnAck(natsConnection*, natsSubscription*, natsMsg* message, void* link);
  static void OnClosed(natsConnection*, void* link);
  static void OnSubscriptionOver(void* link);

  const NatsSettings settings_;
  parts::OpenAttempts& attempts_;
  std::vector<Message> taken_;
  std::string inbox_;
  natsConnection* connection_ = nullptr;
  natsSubscription* subscription_ = nullptr;

  std::mutex mutex_;
  std::condition_variable over_;
  std::set<Ticket> pending_;  // published, and not answered
  // Of the library's threads, whether they may still call this link back.
  bool connection_calls_ = false;
  bool subscription_calls_ = false;
};

natsStatus NatsLink::Connect() {
  if (connection_ != nullptr) {
    if (!natsConnection_IsClosed(connection_) && !OwesTooMuch()) return NATS_OK;
    Disconnect();
  }
  natsOptions* options = nullptr;
  natsStatus status = natsOptions_Create(&options);
  const absl::Cleanup destroy = [&options] { natsOptions_Destroy(options); };
  if (status == NATS_OK) status = Prepare(options);
  connection_calls_ = true;  // before it is one: it may be lost at once
  if (status == NATS_OK) status = natsConnection_Connect(&connection_, options);
  if (status != NATS_OK) {
    connection_calls_ = false;
    return status;
  }
  status = Subscribe();
  if (status != NATS_OK) Disconnect();
  return status;
}

// Messages that were never answered, whose attempts have timed out.
bool NatsLink::OwesTooMuch() {
  std::lock_guard lock(mutex_);
  return pending_.size() > kMostUnanswered;
}

natsStatus NatsLink::Prepare(natsOptions* options) {
  const int64_t timeout =
      absl::ToInt64Milliseconds(std::min(settings_.timeout, kLongestConnect)) + 1;
  std::vector<natsStatus> all = {
      natsOptions_SetURL(options, settings_.url.c_str()),
      natsOptions_SetName(options, "tallybus"),
      natsOptions_SetTimeout(options, timeout),
      natsOptions_SetWriteDeadline(options, timeout),
      natsOptions_SetPingInterval(options, kPingEveryMs),
      natsOptions_SetAllowReconnect(options, false),
      natsOptions_SetClosedCB(options, OnClosed, this),
  };
  if (!settings_.user.empty()) {
    all.push_back(
        natsOptions_SetUserInfo(options, settings_.user.c_str(), settings_.password.c_str()));
  }
  if (!settings_.token.empty()) {
    all.push_back(natsOptions_SetToken(options, settings_.token.c_str()));
  }
  if (settings_.tls) {
    all.push_back(natsOptions_SetSecure(options, true));
    all.push_back(natsOptions_SetExpectedHostname(options, settings_.host.c_str()));
  }
  if (!settings_.ca_file.empty()) {
    all.push_back(natsOptions_LoadCATrustedCertificates(options, settings_.ca_file.c_str()));
  }
  const auto wrong = std::find_if(all.begin(), all.end(), [](auto s) { return s != NATS_OK; });
  return wrong == all.end() ? NATS_OK : *wrong;
}

// Each message's answer goes to <inbox>.<its ticket>.
natsStatus NatsLink::Subscribe() {
  natsInbox* inbox = nullptr;
  natsStatus status = natsInbox_Create(&inbox);
  if (status != NATS_OK) return status;
  inbox_ = absl::StrCat(inbox, ".");
  natsInbox_Destroy(inbox);
  const std::string all = inbox_ + "*";
  status = natsConnection_Subscribe(&subscription_, connection_, all.c_str(), OnAck, this);
  if (status != NATS_OK) return status;
  // An acknowledgement must not be dropped: there are no more of them than messages.
  natsSubscription_SetPendingLimits(subscription_, -1, -1);
  SubscriptionMayCall(true);
  status = natsSubscription_SetOnCompleteCB(subscription_, OnSubscriptionOver, this);
  if (status != NATS_OK) SubscriptionMayCall(false);
  return status;
}

void NatsLink::Disconnect() {
  if (connection_ == nullptr) return;
  natsConnection_Close(connection_);
  {
    std::unique_lock lock(mutex_);
    over_.wait(lock, [this] { return !connection_calls_ && !subscription_calls_; });
  }
  natsSubscription_Destroy(subscription_);
  natsConnection_Destroy(connection_);
  subscription_ = nullptr;
  connection_ = nullptr;
}

void NatsLink::Publish(const Message& message) {
  {
    std::lock_guard lock(mutex_);
    pending_.insert(message.ticket);
  }
  MsgPtr made;
  natsStatus status = Make(message, &made);
  if (status == NATS_OK) status = natsConnection_PublishMsg(connection_, made.get());
  if (status != NATS_OK) Complete(message.ticket, NotPublished(status, settings_.url));
}

natsStatus NatsLink::Make(const Message& message, MsgPtr* out) const {
  const std::string reply = absl::StrCat(inbox_, absl::Hex(static_cast<uint64_t>(message.ticket)));
  natsMsg* made = nullptr;
  natsStatus status = natsMsg_Create(&made, message.subject.c_str(), reply.c_str(),
                                     message.body.data(), static_cast<int>(message.body.size()));
  out->reset(made);
  for (const parts::Attribute& each : message.attributes) {
    if (status != NATS_OK) return status;
    status = natsMsgHeader_Set(made, each.name.c_str(), each.value.c_str());
  }
  if (status != NATS_OK) return status;
  return natsMsgHeader_Set(made, "Nats-Msg-Id", message.attributes.front().value.c_str());
}

void NatsLink::Complete(Ticket ticket, DeliveryResult result) {
  {
    std::lock_guard lock(mutex_);
    if (pending_.erase(ticket) == 0) return;
  }
  attempts_.Complete(ticket, std::move(result));
}

void NatsLink::OnAck(natsConnection*, natsSubscription*, natsMsg* message, void* link) {
  const MsgPtr owned(message);
  const std::string_view subject = natsMsg_GetSubject(message);
  uint64_t ticket = 0;
  const std::string_view digits = subject.substr(subject.rfind('.') + 1);
  if (!absl::SimpleHexAtoi(absl::string_view(digits.data(), digits.size()), &ticket)) return;
  const std::string_view bytes(natsMsg_GetData(message),
                               static_cast<size_t>(natsMsg_GetDataLength(message)));
  static_cast<NatsLink*>(link)->Complete(
      Ticket{ticket}, natsMsg_IsNoResponders(message) ? NoStream() : ReadAck(bytes));
}

void NatsLink::OnClosed(natsConnection*, void* link) { static_cast<NatsLink*>(link)->Lost(); }

void NatsLink::Lost() {
  std::set<Ticket> pending;
  {
    std::lock_guard lock(mutex_);
    pending.swap(pending_);
  }
  for (Ticket ticket : pending) {
    attempts_.Complete(ticket, NoAnswer(StatusOf(NATS_CONNECTION_CLOSED, settings_.url),
                                        parts::kConnectionReset, /*never_sent=*/false));
  }
  std::lock_guard lock(mutex_);
  connection_calls_ = false;
  over_.notify_all();
}

void NatsLink::SubscriptionMayCall(bool may) {
  std::lock_guard lock(mutex_);
  subscription_calls_ = may;
  over_.notify_all();
}

void NatsLink::OnSubscriptionOver(void* link) {
  static_cast<NatsLink*>(link)->SubscriptionMayCall(false);
}

}  // namespace

std::unique_ptr<parts::Link> MakeNatsLink(NatsSettings settings,
                                          const parts::LinkContext& context) {
  return std::make_unique<NatsLink>(std::move(settings), context);
}

}  // namespace tallybus::nats
