// Deliveries in, results out, and the watch over what a plugin leaves undone.
#include "plugins/loader/plugin_transport.h"

#include <absl/strings/str_cat.h>

#include <chrono>
#include <exception>
#include <utility>

#include "plugins/engine/versioned.h"
#include "plugins/loader/printable.h"
#include "plugins/loader/result.h"
#include "tallybus/thread.h"

namespace tallybus::loader {
namespace {

constexpr auto kTick = std::chrono::milliseconds(20);
constexpr size_t kLongestLine = 1024;
// Endpoints of earlier configurations go when there are more than this.
constexpr size_t kManyEndpoints = 64;

absl::Status Refused(tallybus_status status, ErrorText& error, const char* what) {
  const std::string text = error.TextOr(absl::StrCat("it does not say why ", what));
  return status == TALLYBUS_INVALID ? absl::InvalidArgumentError(text)
                                    : absl::UnavailableError(text);
}

// A plugin's function that answers with a status; one that throws has failed.
template <typename F>
absl::Status Ask(const char* what, F&& call) {
  ErrorText error;
  try {
    const tallybus_status status = call(error.c());
    return status == TALLYBUS_OK ? absl::OkStatus() : Refused(status, error, what);
  } catch (...) {
    return absl::InternalError(absl::StrCat("it threw an exception, and that is why ", what));
  }
}

}  // namespace

absl::Status CheckEndpoint(const Plugin& plugin, const Endpoint& endpoint) {
  if (plugin.entry.check == nullptr) return absl::OkStatus();
  const EndpointCopy copy(endpoint);
  return Ask("this endpoint cannot work",
             [&](tallybus_error* error) { return plugin.entry.check(copy.c(), error); });
}

absl::StatusOr<std::unique_ptr<Transport>> PluginTransport::Create(
    PluginPtr plugin, const TransportContext& context) {
  std::unique_ptr<PluginTransport> made(new PluginTransport(std::move(plugin), context));
  if (absl::Status status = made->Make(); !status.ok()) return status;
  return made;
}

PluginTransport::PluginTransport(PluginPtr plugin, const TransportContext& context)
    : plugin_(std::move(plugin)),
      context_(context),
      faults_(plugin_->name, context.metrics, context.log, context.clock),
      link_(HostLink::Attach(*this)) {}

absl::Status PluginTransport::Make() {
  const tallybus_transport* made = nullptr;
  absl::Status status = Ask("it cannot be created", [&](tallybus_error* error) {
    return plugin_->entry.create(link_.host(), &made, error);
  });
  if (!status.ok()) return status;
  const tallybus_transport* read = engine::ReadVersioned(made, &transport_);
  if (read == nullptr) {
    return absl::InvalidArgumentError(
        "create returns no transport, or one with a struct_size of no version");
  }
  transport_ = *read;
  if (transport_.start == nullptr || transport_.deliver == nullptr || transport_.stop == nullptr ||
      transport_.destroy == nullptr) {
    transport_.destroy = nullptr;  // half a transport is none
    return absl::InvalidArgumentError("create returns a transport without all of its functions");
  }
  return absl::OkStatus();
}

PluginTransport::~PluginTransport() {
  Stop(context_.clock.Now());
  if (transport_.destroy != nullptr) Call([this] { transport_.destroy(transport_.self); });
  link_.Detach();
}

absl::Status PluginTransport::Start() {
  absl::Status status = Ask("it cannot start", [this](tallybus_error* error) {
    return transport_.start(transport_.self, error);
  });
  if (status.ok()) watcher_ = StartThread("tallybus-" + plugin_->scheme, [this] { Watch(); });
  return status;
}

std::shared_ptr<const EndpointCopy> PluginTransport::EndpointOf(const Endpoint& endpoint) {
  std::shared_ptr<const EndpointCopy>& copy = endpoints_[endpoint.id];
  if (copy != nullptr) return copy;
  copy = std::make_shared<const EndpointCopy>(endpoint);
  const std::shared_ptr<const EndpointCopy> made = copy;
  if (endpoints_.size() > kManyEndpoints) {
    std::erase_if(endpoints_, [](const auto& each) { return each.second.use_count() == 1; });
  }
  return made;
}

void PluginTransport::Deliver(std::span<const Delivery> deliveries) {
  std::vector<const tallybus_delivery*> handed;
  std::vector<Ticket> refused;
  bool stopped = false;
  {
    std::lock_guard lock(mutex_);
    if (tickets_.empty()) changed_.notify_one();
    for (const Delivery& delivery : deliveries) {
      if (!tickets_.HasRoom()) {
        refused.push_back(delivery.ticket);
        continue;
      }
      auto copy = std::make_unique<DeliveryCopy>(delivery, EndpointOf(delivery.endpoint));
      handed.push_back(copy->c());
      tickets_.Add(std::move(copy), delivery.deadline);
    }
    stopped = stopped_;
  }
  for (const Ticket ticket : refused) {
    faults_.Note(Fault::kCrowded);
    DeliveryResult result = NotCompleted(absl::StatusCode::kResourceExhausted, "timed out",
                                         "the plugin never completes what it is given");
    result.never_sent = true;
    context_.sink.Complete(ticket, std::move(result));
  }
  if (handed.empty()) return;
  Call([&] { transport_.deliver(transport_.self, handed.data(), handed.size()); });
  if (stopped) CompleteLeftOpen();
}

void PluginTransport::Stop(MonoTime deadline) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || !watcher_.joinable()) return;
    stopping_ = true;
  }
  Call([&] { transport_.stop(transport_.self, Nanoseconds(deadline)); });
  CompleteLeftOpen();
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
  watcher_.join();
}

void PluginTransport::CompleteLeftOpen() {
  std::unique_lock lock(mutex_);
  const std::vector<Ticket> left = tickets_.GiveUp();
  lock.unlock();
  for (const Ticket ticket : left) {
    faults_.Note(Fault::kLeftOpen);
    context_.sink.Complete(ticket, NotCompleted(absl::StatusCode::kCancelled, "connection reset",
                                                "the plugin stopped and left it open"));
  }
}

void PluginTransport::Watch() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (tickets_.empty()) {
      changed_.wait(lock);
      continue;
    }
    changed_.wait_for(lock, kTick);
    const std::vector<Ticket> late = tickets_.GiveUp(context_.clock.Now() + -kGrace);
    if (late.empty()) continue;
    lock.unlock();
    for (const Ticket ticket : late) {
      faults_.Note(Fault::kNever);
      context_.sink.Complete(ticket, NotCompleted(absl::StatusCode::kDeadlineExceeded, "timed out",
                                                  "the plugin did not complete it"));
    }
    lock.lock();
  }
}

// What throws has done its harm already: the tickets that it leaves open are given up in time.
void PluginTransport::Call(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::exception& error) {
    faults_.Note(Fault::kThrew, Printable(error.what(), kLongestLine));
  } catch (...) {
    faults_.Note(Fault::kThrew);
  }
}

void PluginTransport::OnComplete(uint64_t number, const tallybus_result* result) {
  const auto ticket = static_cast<Ticket>(number);
  std::unique_ptr<DeliveryCopy> delivery;  // freed last: the result may refer into it
  std::unique_lock lock(mutex_);
  const OpenTickets::Was was = tickets_.Take(ticket, &delivery);
  const bool stopping = stopping_;
  lock.unlock();
  if (was == OpenTickets::Was::kDone) return faults_.Note(Fault::kTwice);
  if (was == OpenTickets::Was::kLate) return faults_.Note(Fault::kLate);
  if (was == OpenTickets::Was::kUnknown) return faults_.Note(Fault::kUnknown);
  auto read = ReadResult(result, {.want_answer = delivery->want_answer(), .stopping = stopping});
  if (!read.ok()) {
    faults_.Note(Fault::kMalformed, std::string(read.status().message()));
    read = NotCompleted(absl::StatusCode::kInternal, "connection reset",
                        "the plugin gave a result that cannot be read");
  }
  context_.sink.Complete(ticket, *std::move(read));
}

int64_t PluginTransport::OnNow() { return Nanoseconds(context_.clock.Now()); }

void PluginTransport::OnLog(LogLevel level, std::string_view line) {
  faults_.Say(level, Printable(line, kLongestLine));
}

}  // namespace tallybus::loader
