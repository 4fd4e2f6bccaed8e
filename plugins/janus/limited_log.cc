// Janus's log, for lines that others can provoke.
#include "limited_log.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tallybus::janus {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr size_t kMaxTextBytes = 256;

// Bytes of UTF-8 beyond ASCII pass.
bool Prints(unsigned char byte) { return byte >= 0x20U && byte != 0x7FU; }

}  // namespace

std::string PlainText(std::string_view text) {
  std::string plain(text.substr(0, kMaxTextBytes));
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return !Prints(static_cast<unsigned char>(c)); },
      '?');
  return plain;
}

void LimitedLog::Write(tallybus_log_level level, const std::string& line) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const int64_t now = clock_();
  if (lines_ == 0 || now - second_began_ >= kSecondUs) {
    second_began_ = now;
    lines_ = 0;
  }
  if (lines_ == kLinesASecond) {
    ++left_out_;
    return;
  }
  ++lines_;
  const uint64_t left_out = std::exchange(left_out_, 0);
  output_(level, left_out == 0 ? line
                               : line + " (" + std::to_string(left_out) +
                                     " lines like this one were left out)");
}

}  // namespace tallybus::janus
