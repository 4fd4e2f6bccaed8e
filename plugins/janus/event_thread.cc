// The loop around the queue, and how it rests.
#include "event_thread.h"

#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>

#include "blocked_signals.h"

namespace tallybus::janus {
namespace {

using std::chrono::microseconds;

constexpr microseconds kFirstNap{50};
constexpr microseconds kLongestNap{4'000};
constexpr microseconds kMoment{1'500};  // of silence, after which the taker rests
// Waking this thread is most of what an event costs Janus: so it naps on where few events come.
constexpr microseconds kSilence{100'000};
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
  microseconds silent{0};
  while (true) {
    const bool last = stopping_;  // read first: what was pushed before is then taken
    if (TakeAll()) {
      nap = kFirstNap;
      silent = microseconds{0};
    }
    if (last) return;
    const bool has_more = silent >= kMoment && taker_.Rest();
    if (silent < kSilence) {
      queue_.Nap(nap);
      silent += nap;
      nap = std::min(2 * nap, kLongestNap);
    } else {
      queue_.Sleep(has_more ? kRestAgainMs : -1);
      nap = kFirstNap;
      silent = microseconds{0};
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
