// Times in nanoseconds, what is said of them, and the stamp by which two programs measure together.
#ifndef TALLYBUS_TESTS_BENCH_SAMPLES_H_
#define TALLYBUS_TESTS_BENCH_SAMPLES_H_

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace tallybus::bench {

// The same clock in all processes of a machine.
inline int64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

inline void SleepUntilNs(int64_t at) {
  const timespec until = {at / 1'000'000'000, at % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

// Calls act(stamp) `count` times, `rate` a second. The stamp is now; or when it should have been,
// where the calls before took longer: what waits for them is late already. That this thread woke
// late is nobody's latency.
template <typename Act>
void Pace(int64_t rate, int64_t count, Act act) {
  const int64_t began = NowNs();
  int64_t awake = began;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t due = began + i * 1'000'000'000 / rate;
    if (NowNs() <= due) {
      SleepUntilNs(due);
      awake = NowNs();
    }
    act(std::max(due, awake));
  }
}

class Samples {
 public:
  // The memory is had, and touched, before anything is measured.
  explicit Samples(size_t expected = 0) : all_(expected) { all_.clear(); }

  void Add(int64_t ns) { all_.push_back(ns); }
  void Add(const Samples& other) { all_.insert(all_.end(), other.all_.begin(), other.all_.end()); }
  size_t size() const { return all_.size(); }

  // The smallest one that so many, of 1000, are not above; 0 where there is none.
  int64_t PerMille(size_t share) {
    if (all_.empty()) return 0;
    const size_t at = std::min(all_.size() - 1, all_.size() * share / 1000);
    std::nth_element(all_.begin(), all_.begin() + static_cast<int64_t>(at), all_.end());
    return all_[at];
  }

  // {"count":..,"p10":..,"p50":..,"p99":..,"p999":..}
  std::string Json() {
    return "{\"count\":" + std::to_string(all_.size()) +
           ",\"p10\":" + std::to_string(PerMille(100)) +
           ",\"p50\":" + std::to_string(PerMille(500)) +
           ",\"p99\":" + std::to_string(PerMille(990)) +
           ",\"p999\":" + std::to_string(PerMille(999)) + "}";
  }

 private:
  std::vector<int64_t> all_;
};

// Calls each(stamp) with when each event was published, which its `info` tells.
template <typename Each>
void ForEachStamp(std::string_view json, Each each) {
  constexpr std::string_view kInfo = "\"info\":\"";
  for (size_t at = json.find(kInfo); at != std::string_view::npos; at = json.find(kInfo, at + 1)) {
    const std::string digits(json.substr(at + kInfo.size(), 20));
    if (const int64_t stamp = std::strtoll(digits.c_str(), nullptr, 10)) each(stamp);
  }
}

}  // namespace tallybus::bench

#endif  // TALLYBUS_TESTS_BENCH_SAMPLES_H_
