// The queue of a plugin's thread, which outlives whoever waits for it.
#include "plugins/loader/plugin_thread.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "tallybus/thread.h"

namespace tallybus::loader {
namespace {

// What was posted, and must be on its way out before the thread ends.
constexpr absl::Duration kLastCall = absl::Seconds(1);

std::atomic<int> stuck_threads{0};

}  // namespace

struct PluginThread::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> calls;
  bool ending = false;
  bool left = false;
};

PluginThread::PluginThread(const std::string& name)
    : state_(std::make_shared<State>()),
      thread_(StartThread(name, [state = state_] { Run(state); })) {}

PluginThread::~PluginThread() {
  if (is_stuck() || !Call([] {}, kLastCall)) return;
  {
    std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->changed.notify_all();
  thread_.join();
}

void PluginThread::Post(std::function<void()> call) {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->left) return;
    state_->calls.push_back(std::move(call));
  }
  state_->changed.notify_all();
}

bool PluginThread::Call(std::function<void()> call, absl::Duration limit) {
  const auto done = std::make_shared<bool>(false);
  Post([state = state_, done, call = std::move(call)] {
    call();
    {
      std::lock_guard lock(state->mutex);
      *done = true;
    }
    state->changed.notify_all();
  });
  std::unique_lock lock(state_->mutex);
  if (state_->changed.wait_for(lock, absl::ToChronoNanoseconds(limit), [&] { return *done; })) {
    return true;
  }
  lock.unlock();
  Leave();
  return false;
}

void PluginThread::Leave() {
  if (is_stuck()) return;
  std::deque<std::function<void()>> never_run;
  {
    std::lock_guard lock(state_->mutex);
    state_->left = true;
    never_run.swap(state_->calls);
    ++stuck_threads;
  }
  state_->changed.notify_all();  // it may just have come back
  thread_.detach();
}

void PluginThread::Run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    state->changed.wait(lock,
                        [&] { return state->ending || state->left || !state->calls.empty(); });
    if (state->left) break;
    if (state->calls.empty()) return;
    auto call = std::exchange(state->calls.front(), nullptr);
    state->calls.pop_front();
    lock.unlock();
    call();
    call = nullptr;
    lock.lock();
  }
  --stuck_threads;
}

int StuckThreads() { return stuck_threads; }

}  // namespace tallybus::loader
