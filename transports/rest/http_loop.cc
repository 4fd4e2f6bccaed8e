// The loop: sockets, timer, mail, and what has finished; then it waits again.
#include "transports/rest/http_loop.h"

#include <absl/strings/str_cat.h>
#include <curl/curl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tallybus/thread.h"
#include "transports/rest/not_made.h"

namespace tallybus::rest {
namespace {

constexpr size_t kMaxPools = 256;        // endpoints that are remembered; busy ones may exceed it
constexpr long kFewestConnections = 64;  // that libcurl keeps for reuse, whatever the limits
constexpr long kMostConnections = 4096;
constexpr absl::Duration kLongestWait = absl::Seconds(60);
constexpr double kLongestAhead = 0.1;  // of an endpoint's timeout
constexpr absl::Duration kCloseIdleEvery = absl::Seconds(30);

// Since it was handed over.
absl::Duration WaitOf(const Delivery& delivery, MonoTime now) {
  return delivery.endpoint.timeout - (delivery.deadline - now);
}

uint32_t EpollEvents(int what) {
  const bool in = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
  const bool out = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
  return (in ? EPOLLIN : 0u) | (out ? EPOLLOUT : 0u);
}

int CurlEvents(uint32_t events) {
  return ((events & EPOLLIN) ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
         ((events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);
}

}  // namespace

HttpLoop::HttpLoop(const TransportContext& context, size_t mailbox_capacity)
    : context_(context),
      mailbox_full_(context.metrics.GetCounter("tallybus_http_mailbox_full_total",
                                               "Attempts put off because a loop's mailbox was "
                                               "full.")),
      mailbox_(mailbox_capacity, [this] { Wake(); }) {}

HttpLoop::~HttpLoop() {
  pools_.clear();
  curl_multi_cleanup(multi_);
  if (wake_fd_ >= 0) close(wake_fd_);
}

absl::Status HttpLoop::Start() {
  if (auto status = watch_.Open(); !status.ok()) return status;
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) return absl::ErrnoToStatus(errno, "eventfd");
  watch_.Want(wake_fd_, EPOLLIN);
  multi_ = curl_multi_init();
  if (multi_ == nullptr) return absl::ResourceExhaustedError("libcurl cannot start");
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &HttpLoop::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &HttpLoop::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kFewestConnections);
  {
    std::lock_guard lock(gate_);
    open_for_mail_ = true;
  }
  thread_ = StartThread("tallybus-http", [this] { Run(); });
  return absl::OkStatus();
}

absl::Status HttpLoop::Submit(std::span<Delivery> deliveries) {
  std::lock_guard lock(gate_);
  if (!open_for_mail_) return absl::CancelledError("the transport does not run");
  if (mailbox_.PushAll(deliveries)) return absl::OkStatus();
  mailbox_full_.Add(deliveries.size());
  return absl::ResourceExhaustedError("the transport's mailbox is full");
}

void HttpLoop::RequestStop(MonoTime deadline) {
  {
    std::lock_guard lock(gate_);
    if (!open_for_mail_) return;
    open_for_mail_ = false;
  }
  stop_deadline_ = deadline;
  stopping_.store(true, std::memory_order_release);
  Wake();
}

void HttpLoop::Join() {
  if (thread_.joinable()) thread_.join();
}

void HttpLoop::Wake() {
  const uint64_t one = 1;
  // Fails only where the counter is full, and then the loop is awake.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

void HttpLoop::Run() {
  while (true) {
    const auto ready = watch_.Wait(WaitMs());
    now_ = context_.clock.Now();
    for (const epoll_event& event : ready) DriveSocket(event.data.fd, event.events);
    ++turn_;
    // Read before the mail is taken, so that all that was pushed before the stop is seen; and after
    // the wait, which a stop ends once only.
    const bool stopping = stopping_.load(std::memory_order_acquire);
    TakeMail();
    DriveTimer();
    CompleteFinished();
    ExpireOverdue();
    CloseIdle();
    HandBack();
    if (!stopping) continue;
    if (open_tickets_ == 0 || context_.clock.Now() >= stop_deadline_) break;
  }
  AbortAll();
  HandBack();
}

// Until libcurl's timer, the first deadline, the next look at idle connections or the stop, rounded
// up: a timer that is asked a fraction too early would spin.
int HttpLoop::WaitMs() {
  MonoTime until =
      std::min({timer_.value_or(MonoTime::Infinite()), first_deadline_, close_idle_at_});
  if (stopping_.load(std::memory_order_acquire)) until = std::min(until, stop_deadline_);
  if (until == MonoTime::Infinite()) return -1;
  const absl::Duration left =
      std::clamp(until - context_.clock.Now(), absl::ZeroDuration(), kLongestWait);
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
}

void HttpLoop::DriveSocket(int socket, uint32_t events) {
  if (socket == wake_fd_) {
    uint64_t count;
    [[maybe_unused]] const ssize_t got = read(wake_fd_, &count, sizeof(count));
    return;
  }
  if (Attempt* owner = watch_.OwnerOf(socket)) {
    if (!owner->Drive(events, now_)) return;
    End(*owner);
    BeginWaiting(owner->pool());
    return;
  }
  if (!watch_.IsWanted(socket)) return;
  int running;
  curl_multi_socket_action(multi_, socket, CurlEvents(events), &running);
}

void HttpLoop::DriveTimer() {
  if (!timer_ || *timer_ > now_) return;
  timer_.reset();
  int running;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
}

void HttpLoop::TakeMail() {
  mailbox_.Drain(&mail_);
  open_tickets_ += mail_.size();
  for (const Delivery& delivery : mail_) Accept(delivery);
  mail_.clear();
}

void HttpLoop::Accept(const Delivery& delivery) {
  EndpointPool* pool = PoolFor(delivery);
  if (pool == nullptr) return;
  if (delivery.ahead && !pool->TakesAhead()) return Complete(delivery.ticket, Unsent());
  pool->last_used = turn_;
  if (!pool->IsFull()) {
    BeginOrFail(*pool, delivery);
    return;
  }
  pool->waiting().push_back(delivery);
  first_deadline_ = std::min(first_deadline_, delivery.deadline);
}

EndpointPool* HttpLoop::PoolFor(const Delivery& delivery) {
  const Endpoint& endpoint = delivery.endpoint;
  if (auto known = pools_.find(endpoint.id); known != pools_.end()) return known->second.get();
  auto settings = ReadSettings(endpoint);
  if (!settings.ok()) {
    Complete(delivery.ticket, Unusable(settings.status()));
    return nullptr;
  }
  if (pools_.size() >= kMaxPools) EvictOne();
  auto pool = std::make_unique<EndpointPool>(*std::move(settings), context_.clock, context_.metrics,
                                             endpoint.route, watch_, multi_);
  connections_wanted_ += pool->most_of_libcurl();
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS,
                    std::clamp(connections_wanted_, kFewestConnections, kMostConnections));
  return pools_.emplace(endpoint.id, std::move(pool)).first->second.get();
}

// Endpoints come and go with reloads, and nobody says when one has gone.
void HttpLoop::EvictOne() {
  auto oldest = pools_.end();
  for (auto it = pools_.begin(); it != pools_.end(); ++it) {
    if (!it->second->IsIdle()) continue;
    if (oldest == pools_.end() || it->second->last_used < oldest->second->last_used) oldest = it;
  }
  if (oldest == pools_.end()) return;
  connections_wanted_ -= oldest->second->most_of_libcurl();
  pools_.erase(oldest);
}

void HttpLoop::BeginOrFail(EndpointPool& pool, const Delivery& delivery) {
  const absl::Duration waited = delivery.ahead ? WaitOf(delivery, now_) : absl::ZeroDuration();
  // What began with too little time would fail for it.
  if (waited > kLongestAhead * delivery.endpoint.timeout) {
    return Complete(delivery.ticket, Unsent());
  }
  if (delivery.deadline <= now_) return Complete(delivery.ticket, Late(pool.peer()));
  Attempt& attempt = pool.Take(delivery.parcels.front().body.size());
  attempt.waited = waited;
  if (Start(attempt, delivery)) {
    first_deadline_ = std::min(first_deadline_, delivery.deadline);
    return;
  }
  attempt.Abandon();
  pool.GiveBack(attempt);
  NoteFailure(pool);
  Complete(delivery.ticket, NotMade(absl::InternalError("libcurl refused the request")));
}

// False where libcurl does not take it.
bool HttpLoop::Start(Attempt& attempt, const Delivery& delivery) {
  switch (attempt.Begin(delivery, now_)) {
    case Attempt::Way::kRefused:
      return false;
    case Attempt::Way::kByLibcurl:
      return curl_multi_add_handle(multi_, attempt.easy()) == CURLM_OK;
    case Attempt::Way::kOnSocket:
      break;
  }
  if (attempt.Drive(0, now_)) End(attempt);
  return true;
}

void HttpLoop::End(Attempt& attempt) {
  const Ticket ticket = attempt.ticket();
  const bool is_call = attempt.is_call();
  DeliveryResult result = attempt.Finish(context_.clock.WallNow());
  attempt.pool().GiveBack(attempt);
  close_idle_at_ = std::min(close_idle_at_, now_ + kCloseIdleEvery);
  if (result.verdict == Verdict::kDelivered) {
    attempt.pool().NoteEnd(true);
  } else if (!is_call) {  // a call that is refused is no failure
    NoteFailure(attempt.pool());
  }
  Complete(ticket, std::move(result));
}

// The router may want to send nothing more for now.
void HttpLoop::NoteFailure(EndpointPool& pool) {
  pool.NoteEnd(false);
  std::erase_if(pool.waiting(), [this](const Delivery& delivery) {
    if (delivery.ahead) Complete(delivery.ticket, Unsent());
    return delivery.ahead;
  });
}

// A transfer may complete inside the call that started or drove it, so this reads until nothing is
// left, and what it starts itself is seen too.
void HttpLoop::CompleteFinished() {
  int left_over;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left_over)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* owner = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
    auto& attempt = *reinterpret_cast<Attempt*>(owner);
    attempt.CurlEnded(message->data.result);
    // A connection that comes too late sends nothing.
    if (attempt.deadline() <= now_) {
      attempt.Expire();
    } else if (!attempt.Drive(0, now_)) {
      continue;
    }
    End(attempt);
    BeginWaiting(attempt.pool());
  }
}

void HttpLoop::BeginWaiting(EndpointPool& pool) {
  while (!pool.waiting().empty() && !pool.IsFull()) {
    const Delivery next = pool.waiting().front();
    pool.waiting().pop_front();
    BeginOrFail(pool, next);
  }
}

// Deadlines are many and seldom met: they are looked at one by one, but not before the first of
// those that were open the last time.
void HttpLoop::ExpireOverdue() {
  if (first_deadline_ == MonoTime::Infinite()) return;
  if (now_ < first_deadline_) return;
  first_deadline_ = MonoTime::Infinite();
  for (auto& [id, pool] : pools_) {
    // Before those that wait: what is ahead goes back where one of these has no answer.
    for (const auto& attempt : pool->attempts()) {
      if (!attempt->busy()) continue;
      if (attempt->deadline() > now_) {
        first_deadline_ = std::min(first_deadline_, attempt->deadline());
        continue;
      }
      attempt->Expire();
      End(*attempt);
    }
    std::erase_if(pool->waiting(), [&](const Delivery& delivery) {
      if (delivery.deadline > now_) {
        first_deadline_ = std::min(first_deadline_, delivery.deadline);
        return false;
      }
      Complete(delivery.ticket, delivery.ahead ? Unsent() : Late(pool->peer()));
      return true;
    });
    BeginWaiting(*pool);
  }
}

// Those of a peak are many and never taken again. While there is any, the loop wakes for it.
void HttpLoop::CloseIdle() {
  if (now_ < close_idle_at_) return;
  bool any = false;
  for (const auto& [id, pool] : pools_) {
    for (const auto& attempt : pool->attempts()) any |= attempt->CloseIfIdle(now_);
  }
  close_idle_at_ = any ? now_ + kCloseIdleEvery : MonoTime::Infinite();
}

void HttpLoop::AbortAll() {
  for (auto& [id, pool] : pools_) {
    for (const Delivery& delivery : pool->waiting())
      Complete(delivery.ticket, Aborted(/*never_sent=*/true));
    pool->waiting().clear();
    for (const auto& attempt : pool->attempts()) {
      if (!attempt->busy()) continue;
      const Ticket ticket = attempt->ticket();
      const bool never_sent = attempt->never_sent();
      attempt->Abandon();
      pool->GiveBack(*attempt);
      Complete(ticket, Aborted(never_sent));
    }
  }
}

void HttpLoop::Complete(Ticket ticket, DeliveryResult result) {
  --open_tickets_;
  done_.push_back({ticket, std::move(result)});
}

// Once a turn, so that the router is woken once for all that completed in it.
void HttpLoop::HandBack() {
  if (done_.empty()) return;
  context_.sink.CompleteAll(done_);
  done_.clear();
}

int HttpLoop::OnSocket(void*, int socket, int what, void* loop, void*) {
  static_cast<HttpLoop*>(loop)->watch_.Want(socket, EpollEvents(what));
  return 0;
}

int HttpLoop::OnTimer(void*, long timeout_ms, void* loop) {
  auto& self = *static_cast<HttpLoop*>(loop);
  if (timeout_ms < 0) {
    self.timer_.reset();
  } else if (timeout_ms == 0) {
    self.timer_ = MonoTime();  // long past: no need to ask the clock
  } else {
    self.timer_ = self.context_.clock.Now() + absl::Milliseconds(timeout_ms);
  }
  return 0;
}

}  // namespace tallybus::rest
