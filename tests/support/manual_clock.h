// A clock whose time the test sets.
#ifndef TALLYBUS_TESTS_SUPPORT_MANUAL_CLOCK_H_
#define TALLYBUS_TESTS_SUPPORT_MANUAL_CLOCK_H_

#include <absl/time/civil_time.h>

#include "tallybus/clock.h"

namespace tallybus::testing {

// One thread.
class ManualClock final : public Clock {
 public:
  MonoTime Now() const override { return now_; }
  absl::Time WallNow() const override { return wall_; }

  void Advance(absl::Duration by) {
    now_ = now_ + by;
    wall_ += by;
  }
  // Never goes back.
  void AdvanceTo(MonoTime then) {
    if (then > now_) Advance(then - now_);
  }
  void JumpWall(absl::Duration by) { wall_ += by; }

 private:
  MonoTime now_ = MonoTime::AtOffset(absl::Seconds(1000));
  absl::Time wall_ =
      absl::FromCivil(absl::CivilSecond(2026, 1, 31, 23, 59, 59), absl::UTCTimeZone()) +
      absl::Milliseconds(123);
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_MANUAL_CLOCK_H_
