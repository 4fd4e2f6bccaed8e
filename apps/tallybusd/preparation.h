// What is got ready beside the router's thread, for it to put in place.
#ifndef TALLYBUS_APPS_TALLYBUSD_PREPARATION_H_
#define TALLYBUS_APPS_TALLYBUSD_PREPARATION_H_

#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "tallybus/thread.h"

namespace tallybus {

// [owner] One is under way at a time, on a thread of its own.
template <typename Result>
class Preparation {
 public:
  // `prepare` runs on the thread; `wake` is called there when there is something to take.
  Preparation(std::function<Result()> prepare, std::function<void()> wake)
      : prepare_(std::move(prepare)), wake_(std::move(wake)) {}
  ~Preparation() { Wait(); }

  // Where one is under way another one follows it: what it read may be old.
  void Begin() {
    if (thread_.joinable()) {
      again_ = true;
      return;
    }
    thread_ = StartThread("tallybus-reload", [this] {
      Result result = prepare_();
      {
        std::lock_guard lock(mutex_);
        result_ = std::move(result);
      }
      wake_();
    });
  }

  // Once for each; none where nothing is ready.
  std::optional<Result> Take() {
    std::optional<Result> taken;
    {
      std::lock_guard lock(mutex_);
      taken.swap(result_);
    }
    if (!taken) return taken;
    Wait();
    if (std::exchange(again_, false)) Begin();
    return taken;
  }

  // Blocks for what is under way; it is not taken any more.
  void Wait() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  const std::function<Result()> prepare_;
  const std::function<void()> wake_;
  std::thread thread_;
  bool again_ = false;
  std::mutex mutex_;
  std::optional<Result> result_;
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_PREPARATION_H_
