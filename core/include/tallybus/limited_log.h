// A log that says at most so many lines a second of one kind, and how many it left out.
#ifndef TALLYBUS_LIMITED_LOG_H_
#define TALLYBUS_LIMITED_LOG_H_

#include <cstdint>
#include <string_view>

#include "tallybus/clock.h"
#include "tallybus/log.h"

namespace tallybus {

// One thread. One object for each kind of line.
class LimitedLog {
 public:
  LimitedLog(Log& log, const Clock& clock, int lines_a_second = 10)
      : log_(log), clock_(clock), limit_(lines_a_second) {}
  void Write(LogLevel level, std::string_view line);

 private:
  Log& log_;
  const Clock& clock_;
  const int limit_;
  MonoTime second_began_;
  int written_ = 0;
  uint64_t left_out_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_LIMITED_LOG_H_
