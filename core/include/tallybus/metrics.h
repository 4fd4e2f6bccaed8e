// Counters and gauges of the process: named once, counted from any thread, read by an exporter.
#ifndef TALLYBUS_METRICS_H_
#define TALLYBUS_METRICS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tallybus {

// [any thread] Only grows.
class Counter {
 public:
  void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// [any thread] Goes up and down.
class Gauge {
 public:
  void Set(int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void Add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Owns every counter and gauge; references stay valid as long as it lives. Prometheus naming:
// tallybus_<what>_total for counters. Label values come from the config or from a fixed set, never
// from an event, so their number is bounded.
class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // [any thread] The same name and labels give the same object. `help` of the first call is kept.
  Counter& GetCounter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& GetGauge(const std::string& name, const std::string& help, const Labels& labels = {});

  struct Sample {
    std::string name;
    std::string help;
    bool is_counter;
    Labels labels;
    double value;
  };
  // [any thread] All values, samples of one name side by side.
  std::vector<Sample> Collect() const;

 private:
  using Key = std::pair<std::string, Labels>;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> help_;
  std::map<Key, std::unique_ptr<Counter>> counters_;
  std::map<Key, std::unique_ptr<Gauge>> gauges_;
};

}  // namespace tallybus

#endif  // TALLYBUS_METRICS_H_
