// A reader is woken under the lock, so that it is none any more once RemoveReader returns.
#include "log_lines.h"

#include <algorithm>
#include <utility>

namespace tallybus::engine {
namespace {

constexpr size_t kMostLines = 256;

}  // namespace

void LogLines::Put(tallybus_log_level level, std::string_view text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (lines_.size() >= kMostLines) {
    ++dropped_;
    return;
  }
  lines_.push_back({level, std::string(text)});
  has_lines_.store(true, std::memory_order_release);
  if (!readers_.empty()) readers_.front()->Wake();
}

std::vector<LogLine> LogLines::Take() {
  if (!has_lines_.load(std::memory_order_acquire)) return {};
  const std::lock_guard<std::mutex> lock(mutex_);
  has_lines_.store(false, std::memory_order_relaxed);
  if (dropped_ > 0) {
    lines_.push_back({TALLYBUS_LOG_WARNING,
                      std::to_string(dropped_) + " log lines of the router were left out"});
  }
  dropped_ = 0;
  return std::exchange(lines_, {});
}

void LogLines::AddReader(Parking* reader) {
  const std::lock_guard<std::mutex> lock(mutex_);
  readers_.push_back(reader);
}

void LogLines::RemoveReader(Parking* reader) {
  const std::lock_guard<std::mutex> lock(mutex_);
  readers_.erase(std::find(readers_.begin(), readers_.end(), reader));
  if (!readers_.empty() && !lines_.empty()) readers_.front()->Wake();
}

}  // namespace tallybus::engine
