// The loop around the router link, and how it rests.
#include "sender.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <exception>
#include <system_error>

#include "clock.h"

namespace tallybus::engine {
namespace {

constexpr int64_t kTransitRetryUs = kMillisecondUs;
constexpr int64_t kOutOfMemoryUs = 100 * kMillisecondUs;
constexpr int64_t kAfterDrainUs = kSecondUs;

// The host's signals are the host's: a thread inherits the mask of the one that starts it, so there
// is no moment in which ours takes one.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

Sender::Sender(const Settings& settings, uint64_t epoch, Ring* ring, Parking* parking,
               Counters* counters, Asks* asks)
    : settings_(settings),
      parking_(parking),
      callbacks_(settings.hooks, counters),
      link_(settings, epoch, ring, counters, &callbacks_, asks) {}

tallybus_status Sender::Start() {
  const BlockedSignals blocked;
  const tallybus_status status = link_.Open();
  if (status != TALLYBUS_OK) return status;
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error&) {
    return TALLYBUS_UNAVAILABLE;
  }
  return TALLYBUS_OK;
}

void Sender::AskToStop(uint32_t drain_ms) {
  deadline_us_ = MonotonicUs() + int64_t{drain_ms} * kMillisecondUs;
  stopping_ = true;
  parking_->Wake();
}

void Sender::Stop(uint32_t drain_ms) {
  AskToStop(drain_ms);
  thread_.join();
}

bool Sender::StopMute(uint32_t drain_ms) {
  callbacks_.Mute();
  AskToStop(drain_ms);
  const int64_t until_us = deadline_us_ + kAfterDrainUs;
  const timespec until = {until_us / kSecondUs, until_us % kSecondUs * 1000};
  return pthread_clockjoin_np(thread_.native_handle(), nullptr, CLOCK_MONOTONIC, &until) == 0;
}

void Sender::Run() {
  pthread_setname_np(pthread_self(), "tallybus");
  // The default slack of 50 µs would double the first polling interval.
  prctl(PR_SET_TIMERSLACK, 1'000UL);
  callbacks_.ThreadStart();
  callbacks_.Log(TALLYBUS_LOG_INFO, "connecting to the router at %s", settings_.endpoint.c_str());
  for (bool more = true; more;) {
    try {
      more = Turn();
    } catch (const std::exception&) {
      // No memory for a message. The records are still in the ring: try again.
      link_.socket().Wait(-1, kOutOfMemoryUs);
      more = !stopping_ || MonotonicUs() < deadline_us_;
    }
  }
  link_.Leave();
}

bool Sender::Turn() {
  int64_t now_us = MonotonicUs();
  // One that has no log leaves them to another.
  if (settings_.router != nullptr && settings_.hooks.log != nullptr) {
    callbacks_.Log(settings_.router->lines().Take());
  }
  const bool stopping = stopping_;
  if (stopping) link_.SayBye();
  if (link_.socket().HasNews()) link_.Receive(now_us);
  link_.Tick(now_us);
  const Pause pause = link_.Send(now_us);
  now_us = MonotonicUs();
  int64_t until_us = link_.NextTick(now_us);
  if (stopping) {
    if (link_.IsSettled() || now_us >= deadline_us_) return false;
    until_us = std::min(until_us, deadline_us_.load());
  }
  const bool busy =
      pause == Pause::kNone || link_.socket().IsReady(link_.WantsToSend(pause, now_us));
  if (!busy) Rest(pause, now_us, until_us);
  return true;
}

void Sender::Rest(Pause pause, int64_t now_us, int64_t until_us) {
  constexpr int kNobody = -1;
  BusSocket& socket = link_.socket();
  switch (pause) {
    case Pause::kRing:
      looks_.NoteSending(link_.last_sent_us());
      if (const int64_t wait_us = looks_.WaitUs(now_us)) {
        socket.Wait(kNobody, wait_us);
      } else {
        Park(now_us, until_us);
      }
      break;
    case Pause::kTransit:
      socket.Wait(kNobody, std::min(kTransitRetryUs, until_us - now_us));
      break;
    default:  // a publisher has no reason to wake it; Stop does
      socket.Wait(parking_->fd(), until_us - now_us);
      parking_->Leave();
      break;
  }
}

void Sender::Park(int64_t now_us, int64_t until_us) {
  parking_->Announce();
  if (!link_.HasNext()) {
    looks_.NoteParking();
    link_.socket().Wait(parking_->fd(), until_us - now_us);
  }
  parking_->Leave();
}

}  // namespace tallybus::engine
