// Opening and closing, and how a forked child is recognised.
#include "publisher.h"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "callbacks.h"
#include "clock.h"
#include "embedded_router.h"
#include "left_open.h"

using tallybus::engine::Callbacks;
using tallybus::engine::Counters;
using tallybus::engine::EmbeddedRouter;
using tallybus::engine::ForgetAtExit;
using tallybus::engine::Hooks;
using tallybus::engine::kMillisecondUs;
using tallybus::engine::LogLine;
using tallybus::engine::MonotonicUs;
using tallybus::engine::Ring;
using tallybus::engine::Settings;
using tallybus::engine::Value;
using tallybus::engine::WatchForExit;

namespace {

constexpr uint32_t kExitDrainMs = 1000;

}  // namespace

std::atomic<uint64_t> tallybus_publisher::forks_{0};

uint64_t tallybus_publisher::WatchForks() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { forks_.fetch_add(1); });
  static_cast<void>(registered);
  return forks_.load();
}

tallybus_publisher::tallybus_publisher(Settings settings, uint64_t epoch,
                                       std::unique_ptr<Ring> ring)
    : settings_(std::move(settings)),
      fork_generation_(WatchForks()),
      ring_(std::move(ring)),
      asks_(settings_.ask_timeout_us),
      sender_(settings_, epoch, ring_.get(), &parking_, &counters_, &asks_) {}

tallybus_status tallybus_publisher::Start(Settings settings,
                                          std::unique_ptr<tallybus_publisher>* publisher) {
  uint64_t epoch = 0;
  if (getrandom(&epoch, sizeof(epoch), 0) != sizeof(epoch)) return TALLYBUS_UNAVAILABLE;
  std::unique_ptr<Ring> ring = Ring::Create(settings.ring_bytes);
  if (!ring) return TALLYBUS_UNAVAILABLE;
  std::unique_ptr<tallybus_publisher> opened(
      new tallybus_publisher(std::move(settings), epoch, std::move(ring)));
  if (!opened->parking_.ok()) return TALLYBUS_UNAVAILABLE;
  EmbeddedRouter* const router = opened->settings_.router;
  const bool reads = router != nullptr && opened->settings_.hooks.log != nullptr;
  if (reads) router->lines().AddReader(&opened->parking_);
  const tallybus_status status = opened->sender_.Start();
  if (status == TALLYBUS_OK) {
    *publisher = std::move(opened);
  } else if (reads) {
    router->lines().RemoveReader(&opened->parking_);
  }
  return status;
}

tallybus_status tallybus_publisher::Open(Settings settings,
                                         std::unique_ptr<tallybus_publisher>* publisher) {
  const std::string file(tallybus::engine::EmbeddedFile(settings.endpoint));
  if (file.empty()) return Start(std::move(settings), publisher);
  const Hooks hooks = settings.hooks;
  std::vector<LogLine> lines;
  const auto release = [&lines](EmbeddedRouter* router) { router->Release(0, &lines); };
  tallybus_status status = EmbeddedRouter::Open(file, &settings.router, &lines);
  std::unique_ptr<EmbeddedRouter, decltype(release)> opened(settings.router, release);
  if (status == TALLYBUS_OK) status = Start(std::move(settings), publisher);
  if (status == TALLYBUS_OK) {
    (void)opened.release();  // by Close
    WatchForExit(publisher->get());
  } else {
    opened.reset();
  }
  Counters uncounted;
  Callbacks(hooks, &uncounted).Log(lines);
  return status;
}

void tallybus_publisher::Close(uint32_t drain_ms) {
  const int64_t end_us = MonotonicUs() + drain_ms * kMillisecondUs;
  if (settings_.router != nullptr) ForgetAtExit(this);
  sender_.Stop(drain_ms);
  if (settings_.router == nullptr) return;
  Callbacks(settings_.hooks, &counters_).Log(ReleaseRouter(end_us));
}

void tallybus_publisher::CloseAtExit() {
  if (IsSenderThread() || !BeginClose()) return;
  const int64_t end_us = MonotonicUs() + kExitDrainMs * kMillisecondUs;
  if (sender_.StopMute(kExitDrainMs)) ReleaseRouter(end_us);
}

std::vector<LogLine> tallybus_publisher::ReleaseRouter(int64_t end_us) {
  EmbeddedRouter* const router = settings_.router;
  if (settings_.hooks.log != nullptr) router->lines().RemoveReader(&parking_);
  std::vector<LogLine> lines;
  const int64_t left_ms = (end_us - MonotonicUs()) / kMillisecondUs;
  router->Release(static_cast<uint32_t>(std::max<int64_t>(left_ms, 0)), &lines);
  return lines;
}

// Open before it is sent: the answer may be quick.
tallybus_status tallybus_publisher::Ask(const tallybus_json_event& event, tallybus_answer_fn answer,
                                        void* user) {
  const uint64_t call = asks_.Add(answer, user, MonotonicUs());
  if (call == 0) return TALLYBUS_FULL;
  const tallybus_status status = Put(tallybus::engine::ConnectRecord(
      call, event, tallybus::engine::WallClockUs(), asks_.timeout_us()));
  // Where its time is over already it was answered, though it will not be sent.
  if (status != TALLYBUS_OK && !asks_.Take(call)) return TALLYBUS_OK;
  return status;
}

tallybus_stats tallybus_publisher::Stats() const {
  tallybus_stats stats = {};
  stats.acknowledged = Value(counters_.acknowledged);  // before published: never more than that
  stats.published = Value(counters_.published);
  stats.dropped_full = Value(counters_.dropped_full);
  stats.rejected = Value(counters_.rejected);
  stats.resent = Value(counters_.resent);
  stats.ring_used = ring_->used();
  stats.ring_bytes = ring_->capacity();
  stats.reconnects = Value(counters_.reconnects);
  stats.wakeups = Value(counters_.wakeups);
  stats.slow_callbacks = Value(counters_.slow_callbacks);
  stats.state = static_cast<uint32_t>(counters_.state.load());
  return stats;
}
