// What was left out is told with the next line that is written.
#include "tallybus/limited_log.h"

#include <absl/strings/str_cat.h>

#include <string>
#include <utility>

namespace tallybus {

void LimitedLog::Write(LogLevel level, std::string_view line) {
  const MonoTime now = clock_.Now();
  if (now - second_began_ >= absl::Seconds(1)) {
    second_began_ = now;
    written_ = 0;
  }
  if (written_ >= limit_) {
    ++left_out_;
    return;
  }
  ++written_;
  if (left_out_ == 0) {
    log_.Write(level, line);
    return;
  }
  log_.Write(level, absl::StrCat(std::string(line), " (and ", std::exchange(left_out_, 0),
                                 " like it before, left out)"));
}

}  // namespace tallybus
