// The loop around the queue, and how it rests.
#include "event_thread.h"

#include <pthread.h>
#include <sys/prctl.h>

#include <chrono>

#include "blocked_signals.h"

namespace tallybus::janus {
namespace {

using std::chrono::microseconds;

constexpr microseconds kFirstNap{50};
constexpr microseconds kLastNap{1000};
constexpr int kRestAgainMs = 100;

}  // namespace

EventThread::EventThread(EventQueue& queue, EventTaker& taker) : queue_(queue), taker_(taker) {
  const BlockedSignals blocked;
  thread_ = std::thread([this] { Run(); });
}

void EventThread::Stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  queue_.Wake();
  thread_.join();
}

void EventThread::Run() {
  pthread_setname_np(pthread_self(), "tallybus-janus");
  // The default slack of 50 us would double the first nap.
  prctl(PR_SET_TIMERSLACK, 1'000UL);
  microseconds nap = kFirstNap;
  while (true) {
    const bool last = stopping_;  // read first: what was pushed before is then taken
    if (TakeAll()) nap = kFirstNap;
    if (last) return;
    if (nap <= kLastNap) {
      queue_.Nap(nap);
      nap *= 2;
    } else {
      queue_.Sleep(taker_.Rest() ? kRestAgainMs : -1);
      nap = kFirstNap;
    }
  }
}

bool EventThread::TakeAll() {
  bool any = false;
  while (const HeldEvent event = queue_.Take()) {
    taker_.Take(event.get());
    any = true;
  }
  return any;
}

}  // namespace tallybus::janus
