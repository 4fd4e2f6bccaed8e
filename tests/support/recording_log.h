// A log that remembers its lines.
#ifndef TALLYBUS_TESTS_SUPPORT_RECORDING_LOG_H_
#define TALLYBUS_TESTS_SUPPORT_RECORDING_LOG_H_

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/log.h"

namespace tallybus::testing {

class RecordingLog final : public Log {
 public:
  void Write(LogLevel level, std::string_view line) override {
    std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
    levels_.push_back(level);
  }

  std::vector<std::string> lines() const {
    std::lock_guard lock(mutex_);
    return lines_;
  }
  std::vector<LogLevel> levels() const {
    std::lock_guard lock(mutex_);
    return levels_;
  }
  // Every line, each with its newline: for "this never appears anywhere".
  std::string Text() const {
    std::string text;
    for (const std::string& line : lines()) text += line + "\n";
    return text;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<LogLevel> levels_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_RECORDING_LOG_H_
