// Time as an argument: a monotonic instant, and the one interface that tells it.
#ifndef TALLYBUS_CLOCK_H_
#define TALLYBUS_CLOCK_H_

#include <absl/time/time.h>

#include <compare>

namespace tallybus {

// An instant of the monotonic clock. Only differences have a meaning; it survives no restart.
class MonoTime {
 public:
  constexpr MonoTime() = default;
  static constexpr MonoTime AtOffset(absl::Duration since_start) { return MonoTime(since_start); }
  static constexpr MonoTime Infinite() { return MonoTime(absl::InfiniteDuration()); }

  friend MonoTime operator+(MonoTime t, absl::Duration d) { return MonoTime(t.at_ + d); }
  friend absl::Duration operator-(MonoTime a, MonoTime b) { return a.at_ - b.at_; }
  friend bool operator==(MonoTime a, MonoTime b) { return a.at_ == b.at_; }
  friend bool operator<(MonoTime a, MonoTime b) { return a.at_ < b.at_; }
  friend bool operator>(MonoTime a, MonoTime b) { return b < a; }
  friend bool operator<=(MonoTime a, MonoTime b) { return !(b < a); }
  friend bool operator>=(MonoTime a, MonoTime b) { return !(a < b); }

 private:
  constexpr explicit MonoTime(absl::Duration at) : at_(at) {}
  absl::Duration at_ = absl::ZeroDuration();
};

// [any thread] Never blocks.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime Now() const = 0;
  // As Now, up to 10 ms late and for a fifth of its cost: of what is counted in minutes, for each
  // event.
  virtual MonoTime CoarseNow() const { return Now(); }
  virtual absl::Time WallNow() const = 0;
};

// The machine's clocks: CLOCK_MONOTONIC and CLOCK_REALTIME.
class SystemClock final : public Clock {
 public:
  MonoTime Now() const override;
  MonoTime CoarseNow() const override;
  absl::Time WallNow() const override;
};

}  // namespace tallybus

#endif  // TALLYBUS_CLOCK_H_
