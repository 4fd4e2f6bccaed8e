// Janus's log, for lines that others can provoke: not too many of them, and nobody's text can
// break out of its line.
#ifndef TALLYBUS_PLUGINS_JANUS_LIMITED_LOG_H_
#define TALLYBUS_PLUGINS_JANUS_LIMITED_LOG_H_

#include <tallybus/c/types.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace tallybus::janus {

// Cut to 256 bytes, and what does not print is a question mark: for texts of backends and of Janus.
std::string PlainText(std::string_view text);

// [any thread] Ten lines a second; what is more is counted, and the next line says how many were
// left out.
class LimitedLog {
 public:
  static constexpr int kLinesASecond = 10;

  using Output = std::function<void(tallybus_log_level, const std::string& line)>;
  using Clock = int64_t (*)();  // microseconds that only grow

  // output is called by one thread at a time, and must not write to this log.
  LimitedLog(Output output, Clock clock) : output_(std::move(output)), clock_(clock) {}
  void Write(tallybus_log_level level, const std::string& line);

 private:
  const Output output_;
  const Clock clock_;
  std::mutex mutex_;
  int64_t second_began_ = 0;
  int lines_ = 0;  // in this second
  uint64_t left_out_ = 0;
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_LIMITED_LOG_H_
