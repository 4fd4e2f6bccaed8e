// The peer's behaviours, and the deadlines of what it leaves unanswered.
#include "transports/memory/memory_transport.h"

#include <absl/time/time.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace tallybus::memory {
namespace {

constexpr auto kTick = std::chrono::milliseconds(5);

DeliveryResult Result(Verdict verdict, absl::Status status, int code, std::string reason) {
  DeliveryResult result;
  result.verdict = verdict;
  result.status = std::move(status);
  result.remote_code = code;
  result.reason = std::move(reason);
  return result;
}

DeliveryResult Cancelled() {
  return Result(Verdict::kRetryLater, absl::CancelledError("the transport does not run"), 0,
                "connection reset");
}

}  // namespace

Behaviour Accept() {
  return [](const Received& received) {
    auto result = Result(Verdict::kDelivered, absl::OkStatus(), 200, "OK");
    result.answer = received.body;  // a backend echoes the object
    return result;
  };
}

Behaviour Refuse() {
  return [](const Received&) {
    auto result = Result(Verdict::kRetryLater, absl::UnavailableError("connection refused"), 0,
                         "connection refused");
    result.never_sent = true;
    return result;
  };
}

Behaviour Hang() {
  return [](const Received&) { return std::nullopt; };
}

Behaviour Reject() {
  return [](const Received&) {
    return Result(Verdict::kRejected, absl::InvalidArgumentError("rejected"), 400, "Bad Request");
  };
}

Behaviour Overload(absl::Duration hint) {
  return [hint](const Received&) {
    auto result = Result(Verdict::kRetryLater, absl::UnavailableError("overloaded"), 503,
                         "Service Unavailable");
    result.retry_after = hint;
    return result;
  };
}

Recorder::Recorder(size_t capacity, Behaviour behaviour)
    : capacity_(capacity), behaviour_(std::move(behaviour)) {}

void Recorder::Behave(Behaviour behaviour) {
  std::lock_guard lock(mutex_);
  behaviour_ = std::move(behaviour);
}

std::vector<Received> Recorder::All() const {
  std::lock_guard lock(mutex_);
  return all_;
}

size_t Recorder::not_kept() const {
  std::lock_guard lock(mutex_);
  return not_kept_;
}

std::optional<DeliveryResult> Recorder::Receive(const Delivery& delivery) {
  std::vector<Received> received;
  for (const Parcel& p : delivery.parcels) {
    received.push_back({delivery.endpoint.url, p.event, std::string(p.body), std::string(p.lane),
                        p.lane_sequence, p.attempt, p.redelivery});
  }
  std::lock_guard lock(mutex_);
  auto result = behaviour_(received.front());
  if (!result || result->remote_code == 0) return result;
  for (Received& each : received) {
    if (all_.size() < capacity_) {
      all_.push_back(std::move(each));
    } else {
      ++not_kept_;
    }
  }
  return result;
}

TransportDescriptor MemoryDescriptor(Recorder& recorder) {
  TransportDescriptor descriptor;
  descriptor.scheme = "memory";
  descriptor.check = [](const Endpoint& endpoint) {
    if (endpoint.url.starts_with("memory:")) return absl::OkStatus();
    return absl::InvalidArgumentError("url: must begin with memory:");
  };
  descriptor.create =
      [&recorder](const TransportContext& context) -> absl::StatusOr<std::unique_ptr<Transport>> {
    return std::make_unique<MemoryTransport>(context, recorder);
  };
  return descriptor;
}

MemoryTransport::MemoryTransport(const TransportContext& context, Recorder& recorder)
    : context_(context), recorder_(recorder) {}

MemoryTransport::~MemoryTransport() { Stop(MonoTime()); }

absl::Status MemoryTransport::Start() {
  running_ = true;
  watcher_ = std::thread([this] { Watch(); });
  return absl::OkStatus();
}

void MemoryTransport::Deliver(std::span<const Delivery> deliveries) {
  for (const Delivery& delivery : deliveries) {
    std::unique_lock lock(mutex_);
    const bool running = running_;
    auto result = running ? recorder_.Receive(delivery) : Cancelled();
    if (!result) {
      unanswered_.push_back({delivery.ticket, delivery.deadline});
      changed_.notify_one();
      continue;
    }
    lock.unlock();
    if (!delivery.want_answer) result->answer.clear();
    context_.sink.Complete(delivery.ticket, *std::move(result));
  }
}

void MemoryTransport::Stop(MonoTime deadline) {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
    if (!stop_at_) stop_at_ = deadline;
  }
  changed_.notify_one();
  if (watcher_.joinable()) watcher_.join();
}

void MemoryTransport::Watch() {
  std::unique_lock lock(mutex_);
  while (running_ || !unanswered_.empty()) {
    if (unanswered_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const MonoTime now = context_.clock.Now();
    const bool abort = stop_at_ && now >= *stop_at_;
    const auto expired = TakeExpired(abort ? MonoTime::Infinite() : now);
    lock.unlock();
    for (const Unanswered& ticket : expired) {
      context_.sink.Complete(
          ticket.ticket, abort ? Cancelled()
                               : Result(Verdict::kRetryLater,
                                        absl::DeadlineExceededError("timed out"), 0, "timed out"));
    }
    lock.lock();
    if (expired.empty()) changed_.wait_for(lock, kTick);
  }
}

std::vector<MemoryTransport::Unanswered> MemoryTransport::TakeExpired(MonoTime now) {
  const auto first = std::stable_partition(unanswered_.begin(), unanswered_.end(),
                                           [&](const Unanswered& u) { return u.deadline > now; });
  std::vector<Unanswered> expired(first, unanswered_.end());
  unanswered_.erase(first, unanswered_.end());
  return expired;
}

}  // namespace tallybus::memory
