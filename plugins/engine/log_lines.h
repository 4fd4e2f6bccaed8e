// Lines that threads of a router in this process wrote, on their way to the engine's log.
//
// The engine's callbacks run on the sender's thread; these lines come from others.
#ifndef TALLYBUS_PLUGINS_ENGINE_LOG_LINES_H_
#define TALLYBUS_PLUGINS_ENGINE_LOG_LINES_H_

#include <tallybus/c/types.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "parking.h"

namespace tallybus::engine {

struct LogLine {
  tallybus_log_level level;
  std::string text;
};

class LogLines {
 public:
  // [any thread] Of 256 that nobody took, the later ones are dropped, and told as one line.
  void Put(tallybus_log_level level, std::string_view text);
  // [any thread] What came since the last call. One load where there is nothing.
  std::vector<LogLine> Take();

  // [any thread] Each line wakes the first of the readers that are there, which outlives its being
  // one.
  void AddReader(Parking* reader);
  void RemoveReader(Parking* reader);

 private:
  std::atomic<bool> has_lines_{false};
  std::mutex mutex_;
  std::vector<LogLine> lines_;
  uint64_t dropped_ = 0;
  std::vector<Parking*> readers_;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_LOG_LINES_H_
