// The table of counters and gauges.
#include "tallybus/metrics.h"

namespace tallybus {

Counter& Metrics::GetCounter(const std::string& name, const std::string& help,
                             const Labels& labels) {
  std::lock_guard lock(mutex_);
  help_.try_emplace(name, help);
  auto& slot = counters_[{name, labels}];
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

Gauge& Metrics::GetGauge(const std::string& name, const std::string& help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  help_.try_emplace(name, help);
  auto& slot = gauges_[{name, labels}];
  if (!slot) slot = std::make_unique<Gauge>();
  return *slot;
}

std::vector<Metrics::Sample> Metrics::Collect() const {
  std::lock_guard lock(mutex_);
  std::vector<Sample> samples;
  samples.reserve(counters_.size() + gauges_.size());
  for (const auto& [key, counter] : counters_) {
    samples.push_back(
        {key.first, help_.at(key.first), true, key.second, static_cast<double>(counter->Value())});
  }
  for (const auto& [key, gauge] : gauges_) {
    samples.push_back(
        {key.first, help_.at(key.first), false, key.second, static_cast<double>(gauge->Value())});
  }
  return samples;
}

}  // namespace tallybus
