// Deadlines are many and seldom met: they are looked at one by one, but not before the first of
// those that were open the last time.
#include "transports/parts/open_attempts.h"

#include <absl/time/time.h>

#include <algorithm>
#include <utility>

namespace tallybus::parts {

DeliveryResult NoAnswer(absl::Status status, std::string_view reason, bool never_sent) {
  DeliveryResult result;
  result.status = std::move(status);
  result.reason = std::string(reason);
  result.never_sent = never_sent;
  return result;
}

OpenAttempts::OpenAttempts(const TransportContext& context, std::string_view scheme)
    : context_(context),
      late_(context.metrics.GetCounter("tallybus_late_answers_total",
                                       "Answers of a peer for attempts that were over.",
                                       {{"transport", std::string(scheme)}})) {}

void OpenAttempts::Open() {
  std::lock_guard lock(mutex_);
  running_ = true;
}

bool OpenAttempts::Begin(const Delivery& delivery) {
  const bool late = delivery.deadline <= context_.clock.Now();
  {
    std::lock_guard lock(mutex_);
    if (running_ && !late) {
      open_[delivery.ticket] = {delivery.deadline};
      if (delivery.deadline < first_deadline_) {
        first_deadline_ = delivery.deadline;
        changed_.notify_all();
      }
      return true;
    }
  }
  context_.sink.Complete(
      delivery.ticket,
      late ? NoAnswer(absl::DeadlineExceededError("timed out"), kTimedOut, true)
           : NoAnswer(absl::CancelledError("the transport does not run"), kConnectionReset, true));
  return false;
}

bool OpenAttempts::Read(Ticket ticket, const std::function<void()>& read) {
  std::lock_guard lock(mutex_);
  const auto attempt = open_.find(ticket);
  if (attempt == open_.end()) return false;
  attempt->second.read = true;
  read();
  return true;
}

void OpenAttempts::CompleteAll(std::span<Completion> done) {
  std::vector<Completion> open;
  {
    std::lock_guard lock(mutex_);
    if (severed_) return;
    for (Completion& each : done) {
      if (open_.erase(each.ticket) > 0) open.push_back(std::move(each));
    }
    if (stopped_ && open_.empty()) changed_.notify_all();
    late_.Add(done.size() - open.size());
  }
  // Copies of a Status share their text and count its owners inside of Abseil, where
  // ThreadSanitizer does not look: what another thread gets is its own.
  for (Completion& each : open) {
    absl::Status& status = each.result.status;
    if (!status.ok()) status = absl::Status(status.code(), std::string(status.message()));
  }
  context_.sink.CompleteAll(open);
}

void OpenAttempts::Complete(Ticket ticket, DeliveryResult result) {
  Completion done{ticket, std::move(result)};
  CompleteAll({&done, 1});
}

bool OpenAttempts::Watch(absl::Duration longest) {
  const MonoTime now = context_.clock.Now();
  std::unique_lock lock(mutex_);
  const bool abort = stopped_ && now >= stop_at_;
  const Attempts over = TakeOverdue(abort ? MonoTime::Infinite() : now);
  if (!over.empty()) {
    lock.unlock();
    if (abort) {
      GiveUp(over, absl::CancelledError("the transport was stopped"), kConnectionReset);
    } else {
      GiveUp(over, absl::DeadlineExceededError("timed out"), kTimedOut);
    }
    return true;
  }
  if (stopped_ && open_.empty()) return false;
  const absl::Duration wait = std::min({longest, first_deadline_ - now, stop_at_ - now});
  changed_.wait_for(lock, absl::ToChronoNanoseconds(wait));
  return true;
}

OpenAttempts::Attempts OpenAttempts::TakeOverdue(MonoTime now) {
  Attempts over;
  if (now < first_deadline_) return over;
  first_deadline_ = MonoTime::Infinite();
  for (auto it = open_.begin(); it != open_.end();) {
    if (it->second.deadline <= now) {
      over.insert(open_.extract(it++));
    } else {
      first_deadline_ = std::min(first_deadline_, it->second.deadline);
      ++it;
    }
  }
  return over;
}

void OpenAttempts::GiveUp(const Attempts& attempts, const absl::Status& status,
                          std::string_view reason) {
  for (const auto& [ticket, attempt] : attempts) {
    context_.sink.Complete(ticket, NoAnswer(status, reason, !attempt.read));
  }
}

void OpenAttempts::Stop(MonoTime deadline) {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  stopped_ = true;
  running_ = false;
  stop_at_ = deadline;
  changed_.notify_all();
}

void OpenAttempts::Sever() {
  std::lock_guard lock(mutex_);
  severed_ = true;
}

}  // namespace tallybus::parts
