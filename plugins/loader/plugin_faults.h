// What a plugin does that it must not: counted, and told with its name, a few lines a second.
#ifndef TALLYBUS_PLUGINS_LOADER_PLUGIN_FAULTS_H_
#define TALLYBUS_PLUGINS_LOADER_PLUGIN_FAULTS_H_

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/limited_log.h"
#include "tallybus/metrics.h"

namespace tallybus::loader {

enum class Fault {
  kTwice,
  kLate,
  kUnknown,
  kNever,
  kMalformed,
  kLeftOpen,
  kThrew,
  kCrowded,
  kBlocked,
  kStuck
};

// [any thread]
class PluginFaults {
 public:
  // tallybus_plugin_faults_total, with labels `plugin` and `fault`.
  static constexpr char kMetric[] = "tallybus_plugin_faults_total";

  PluginFaults(std::string name, Metrics& metrics, Log& log, const Clock& clock);
  void Note(Fault fault, std::string_view detail = "");
  // A line of the plugin's own.
  void Say(LogLevel level, std::string_view line);

 private:
  const std::string name_;
  std::vector<Counter*> counters_;  // by Fault
  std::mutex mutex_;
  std::vector<LimitedLog> logs_;  // by Fault, and one for its own lines
};

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_PLUGIN_FAULTS_H_
