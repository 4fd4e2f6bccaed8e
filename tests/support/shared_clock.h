// A clock whose time the test sets, for what reads it on a thread of its own.
#ifndef TALLYBUS_TESTS_SUPPORT_SHARED_CLOCK_H_
#define TALLYBUS_TESTS_SUPPORT_SHARED_CLOCK_H_

#include <mutex>

#include "tests/support/manual_clock.h"

namespace tallybus::testing {

// [any thread]
class SharedClock final : public Clock {
 public:
  MonoTime Now() const override {
    std::lock_guard lock(mutex_);
    return clock_.Now();
  }
  absl::Time WallNow() const override {
    std::lock_guard lock(mutex_);
    return clock_.WallNow();
  }
  void Advance(absl::Duration by) {
    std::lock_guard lock(mutex_);
    clock_.Advance(by);
  }

 private:
  mutable std::mutex mutex_;
  ManualClock clock_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_SHARED_CLOCK_H_
