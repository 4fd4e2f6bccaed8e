// The words for what a plugin does wrong.
#include "plugins/loader/plugin_faults.h"

#include <absl/strings/str_cat.h>

#include <utility>

namespace tallybus::loader {
namespace {

struct Word {
  const char* label;
  const char* sentence;
};

// By Fault.
constexpr Word kWords[] = {
    {"twice", "completed a ticket twice; the second result is dropped"},
    {"late", "completed a ticket after it was given up; the result is dropped"},
    {"unknown", "completed a ticket that it does not have; the result is dropped"},
    {"never", "did not complete a ticket by its deadline; the attempt counts as timed out"},
    {"malformed", "gave a result that cannot be read; the attempt is made again"},
    {"left_open", "stopped, and left a ticket open"},
    {"threw", "threw an exception"},
    {"crowded", "never completes what it is given; it gets no more"},
    {"blocked",
     "did not come back from deliver by the deadline of an attempt that waits behind it"},
    {"stuck", "does not come back, and is left alone"}};
constexpr int kOwnLinesASecond = 100;

}  // namespace

PluginFaults::PluginFaults(std::string name, Metrics& metrics, Log& log, const Clock& clock)
    : name_(std::move(name)) {
  logs_.reserve(std::size(kWords) + 1);
  for (const Word& word : kWords) {
    counters_.push_back(&metrics.GetCounter(kMetric, "What plugins did that they must not",
                                            {{"plugin", name_}, {"fault", word.label}}));
    logs_.emplace_back(log, clock, 1);
  }
  logs_.emplace_back(log, clock, kOwnLinesASecond);
}

void PluginFaults::Note(Fault fault, std::string_view detail) {
  const auto index = static_cast<size_t>(fault);
  counters_[index]->Add();
  std::lock_guard lock(mutex_);
  logs_[index].Write(LogLevel::kWarning,
                     absl::StrCat("plugin ", name_, " ", kWords[index].sentence,
                                  detail.empty() ? "" : ": ", std::string(detail)));
}

void PluginFaults::Say(LogLevel level, std::string_view line) {
  std::lock_guard lock(mutex_);
  logs_.back().Write(level, absl::StrCat("plugin ", name_, ": ", std::string(line)));
}

}  // namespace tallybus::loader
