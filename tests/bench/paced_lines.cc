// Feeds a log router: writes N lines to its standard output, RATE a second; HEAD, the time and TAIL
// in each: paced_lines N RATE HEAD TAIL
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/bench/samples.h"

namespace {

bool WriteAll(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0) return false;
    text.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: paced_lines N RATE HEAD TAIL\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1'000UL);
  const std::string head = argv[3], tail = std::string(argv[4]) + "\n";
  bool failed = false;
  tallybus::bench::Pace(std::atoll(argv[2]), std::atoll(argv[1]), [&](int64_t stamp) {
    failed |= !WriteAll(head + std::to_string(stamp) + tail);
  });
  if (failed) std::perror("paced_lines");
  return failed ? 1 : 0;
}
