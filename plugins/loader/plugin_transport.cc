// Deliveries in, results out, and the watch over what a plugin leaves undone.
#include "plugins/loader/plugin_transport.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "plugins/engine/versioned.h"
#include "plugins/loader/plugin_call.h"
#include "plugins/loader/printable.h"
#include "plugins/loader/result.h"
#include "tallybus/thread.h"

namespace tallybus::loader {
namespace {

constexpr auto kTick = std::chrono::milliseconds(20);
constexpr size_t kLongestLine = 1024;
// Endpoints of earlier configurations go when there are more than this.
constexpr size_t kManyEndpoints = 64;

// A stop that is to wait for ever is waited for so long.
constexpr absl::Duration kLongestStop = absl::Hours(1);

// What throws has done its harm already: the tickets that it leaves open are given up in time.
template <typename F>
void Shield(HostLink& link, F&& call) {
  try {
    call();
  } catch (const std::exception& error) {
    link.Threw(error.what());
  } catch (...) {
    link.Threw("");
  }
}

// [the plugin's thread] The link is all of ours that is touched: the transport may be gone when the
// plugin comes back.
void HandOver(HostLink& link, const tallybus_transport& made) {
  const std::vector<const tallybus_delivery*> handed = link.TakeReady();
  if (handed.empty()) return;
  Shield(link, [&] { made.deliver(made.self, handed.data(), handed.size()); });
}

}  // namespace

absl::Status CheckEndpoint(const Plugin& plugin, const Endpoint& endpoint) {
  if (plugin.entry.check == nullptr) return absl::OkStatus();
  PluginThread thread("tallybus-check");
  return Ask(thread, plugin, "check", "this endpoint cannot work",
             [check = plugin.entry.check, copy = std::make_shared<const EndpointCopy>(endpoint)](
                 tallybus_error* error) { return check(copy->c(), error); });
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
      link_(HostLink::Attach(*this)),
      thread_("tallybus-" + plugin_->scheme) {}

absl::Status PluginTransport::AskInTime(const std::string& function, const std::string& what,
                                        std::function<tallybus_status(tallybus_error*)> call) {
  absl::Status status = Ask(thread_, *plugin_, function, what, std::move(call));
  if (thread_.is_stuck()) faults_.Note(Fault::kStuck, function);
  return status;
}

absl::Status PluginTransport::Make() {
  const auto made = std::make_shared<const tallybus_transport*>(nullptr);
  absl::Status status =
      AskInTime("create", "it cannot be created",
                [create = plugin_->entry.create, host = link_.host(), made](tallybus_error* error) {
                  return create(host, made.get(), error);
                });
  if (!status.ok()) return status;
  const tallybus_transport* read = engine::ReadVersioned(*made, &transport_);
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
  if (transport_.destroy != nullptr && !thread_.is_stuck()) {
    const auto destroy = [made = transport_, &link = link_] {
      Shield(link, [&] { made.destroy(made.self); });
    };
    if (!thread_.Call(destroy, plugin_->call_limit)) faults_.Note(Fault::kStuck, "destroy");
  }
  link_.Detach();
  if (thread_.is_stuck() || tickets_.has_late()) {
    link_.Keep(std::make_shared<const OpenTickets>(std::move(tickets_)));
  }
}

absl::Status PluginTransport::Start() {
  absl::Status status = AskInTime(
      "start", "it cannot start",
      [made = transport_](tallybus_error* error) { return made.start(made.self, error); });
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
  std::vector<Ticket> put_off;
  bool stopping = false;
  {
    std::lock_guard lock(mutex_);
    stopping = stopping_;
    const bool idle = waiting_.empty();
    if (idle && tickets_.empty()) changed_.notify_one();
    for (const Delivery& delivery : deliveries) {
      if (stopping_ || waiting_.size() >= kMostWaiting || !tickets_.HasRoom()) {
        put_off.push_back(delivery.ticket);
        continue;
      }
      waiting_.push_back({std::make_unique<DeliveryCopy>(delivery, EndpointOf(delivery.endpoint)),
                          delivery.deadline});
    }
    if (idle && !waiting_.empty()) {
      thread_.Post([made = transport_, &link = link_] { HandOver(link, made); });
    }
  }
  PutOff(put_off, stopping);
}

void PluginTransport::PutOff(std::span<const Ticket> tickets, bool stopping) {
  for (const Ticket ticket : tickets) {
    if (!stopping) faults_.Note(Fault::kCrowded);
    DeliveryResult result = stopping
                                ? NotCompleted(absl::StatusCode::kUnavailable, "connection reset",
                                               "the plugin has stopped")
                                : NotCompleted(absl::StatusCode::kResourceExhausted, "timed out",
                                               "the plugin never completes what it is given");
    result.never_sent = true;
    context_.sink.Complete(ticket, std::move(result));
  }
}

std::vector<const tallybus_delivery*> PluginTransport::OnReady() {
  std::vector<const tallybus_delivery*> handed;
  std::lock_guard lock(mutex_);
  for (Waiting& each : waiting_) {
    handed.push_back(each.delivery->c());
    tickets_.Add(std::move(each.delivery), each.deadline);
  }
  waiting_.clear();
  return handed;
}

void PluginTransport::Stop(MonoTime deadline) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || !watcher_.joinable()) return;
    stopping_ = true;
  }
  const absl::Duration patience =
      std::clamp(deadline - context_.clock.Now(), absl::ZeroDuration(), kLongestStop);
  const auto stop = [made = transport_, &link = link_, at = Nanoseconds(deadline)] {
    Shield(link, [&] { made.stop(made.self, at); });
  };
  if (!thread_.Call(stop, patience + kStopGrace)) faults_.Note(Fault::kStuck, "stop");
  CompleteLeftOpen();
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
  watcher_.join();
}

// Of attempts that the plugin has not seen. Under the lock.
std::vector<Ticket> PluginTransport::GiveUpWaiting(MonoTime time) {
  std::vector<Ticket> given_up;
  std::erase_if(waiting_, [&](const Waiting& each) {
    if (each.deadline > time) return false;
    given_up.push_back(static_cast<Ticket>(each.delivery->c()->ticket));
    return true;
  });
  return given_up;
}

void PluginTransport::CompleteLeftOpen() {
  std::unique_lock lock(mutex_);
  const std::vector<Ticket> unseen = GiveUpWaiting();
  const std::vector<Ticket> left = tickets_.GiveUp();
  lock.unlock();
  const auto complete = [this](Ticket ticket, bool never_sent) {
    DeliveryResult result = NotCompleted(absl::StatusCode::kCancelled, "connection reset",
                                         "the plugin stopped and left it open");
    result.never_sent = never_sent;
    context_.sink.Complete(ticket, std::move(result));
  };
  for (const Ticket ticket : unseen) complete(ticket, /*never_sent=*/true);
  for (const Ticket ticket : left) {
    faults_.Note(Fault::kLeftOpen);
    complete(ticket, /*never_sent=*/false);
  }
}

void PluginTransport::Watch() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (tickets_.empty() && waiting_.empty()) {
      changed_.wait(lock);
      continue;
    }
    changed_.wait_for(lock, kTick);
    const MonoTime time = context_.clock.Now() + -kGrace;
    const std::vector<Ticket> unseen = GiveUpWaiting(time);
    const std::vector<Ticket> late = tickets_.GiveUp(time);
    if (unseen.empty() && late.empty()) continue;
    lock.unlock();
    const auto complete = [this](Ticket ticket, Fault fault, const char* text) {
      faults_.Note(fault);
      DeliveryResult result = NotCompleted(absl::StatusCode::kDeadlineExceeded, "timed out", text);
      result.never_sent = fault == Fault::kBlocked;
      context_.sink.Complete(ticket, std::move(result));
    };
    for (const Ticket ticket : unseen) {
      complete(ticket, Fault::kBlocked, "the plugin was busy with what it had before");
    }
    for (const Ticket ticket : late) {
      complete(ticket, Fault::kNever, "the plugin did not complete it");
    }
    lock.lock();
  }
}

void PluginTransport::OnComplete(uint64_t number, const tallybus_result* result) {
  const auto ticket = static_cast<Ticket>(number);
  std::unique_ptr<DeliveryCopy> delivery;
  std::unique_lock lock(mutex_);
  const OpenTickets::Was was = tickets_.Take(ticket, &delivery);
  const bool stopping = stopping_;
  lock.unlock();
  if (was == OpenTickets::Was::kDone) return faults_.Note(Fault::kTwice);
  if (was == OpenTickets::Was::kUnknown) return faults_.Note(Fault::kUnknown);
  auto read = ReadResult(result, {.want_answer = delivery->want_answer(), .stopping = stopping});
  lock.lock();  // the result may have referred into it
  tickets_.Rest(std::move(delivery));
  lock.unlock();
  if (was == OpenTickets::Was::kLate) return faults_.Note(Fault::kLate);
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

void PluginTransport::OnThrew(std::string_view what) {
  faults_.Note(Fault::kThrew, Printable(what, kLongestLine));
}

}  // namespace tallybus::loader
