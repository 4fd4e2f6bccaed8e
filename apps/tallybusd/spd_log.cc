// spdlog stays in this file.
#include "spd_log.h"

#include <poll.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "tallybus/counted.h"

namespace tallybus {
namespace {

spdlog::level::level_enum LevelOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

class StderrLog final : public Log {
 public:
  explicit StderrLog(LogLevel least)
      : logger_("tallybusd", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_level(LevelOf(least));
    logger_.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    logger_.flush_on(spdlog::level::debug);
  }

  void Write(LogLevel level, std::string_view line) override {
    // The router's thread logs too: a pipe that nobody reads must cost lines, not events.
    pollfd err{STDERR_FILENO, POLLOUT, 0};
    if (poll(&err, 1, 0) == 0) {
      left_out_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    if (const uint64_t left_out = left_out_.exchange(0, std::memory_order_relaxed)) {
      logger_.log(spdlog::level::warn, "{} left out: nobody read standard error",
                  Counted(left_out, "line"));
    }
    logger_.log(LevelOf(level), "{}", spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  std::atomic<uint64_t> left_out_{0};
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<Log> NewStderrLog(LogLevel least) { return std::make_unique<StderrLog>(least); }

}  // namespace tallybus
