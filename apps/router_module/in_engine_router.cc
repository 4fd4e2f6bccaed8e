// Everything of the daemon is made, used and destroyed on the one thread that is started here.
#include "apps/router_module/in_engine_router.h"

#include <absl/strings/str_cat.h>
#include <poll.h>
#include <simdjson.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <utility>

#include "apps/tallybusd/config/config_load.h"
#include "tallybus/thread.h"

namespace tallybus {
namespace {

tallybus_log_level LevelOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return TALLYBUS_LOG_DEBUG;
    case LogLevel::kInfo:
      return TALLYBUS_LOG_INFO;
    case LogLevel::kWarning:
      return TALLYBUS_LOG_WARNING;
    case LogLevel::kError:
      return TALLYBUS_LOG_ERROR;
  }
  return TALLYBUS_LOG_INFO;
}

}  // namespace

void HostLog::Write(LogLevel level, std::string_view line) {
  if (host_.log == nullptr || level < least_.load(std::memory_order_relaxed)) return;
  host_.log(host_.user, LevelOf(level), {line.data(), line.size()});
}

void StopRequests::Ask() {
  asked_.fetch_add(1);
  wake_.Ring();
}

void StopRequests::Wait() {
  pollfd fd = {wake_.fd(), POLLIN, 0};
  while (asked_.load() == 0) poll(&fd, 1, -1);
}

std::optional<int> StopRequests::Next() {
  wake_.Clear();
  if (asked_.load() == 0) return std::nullopt;
  asked_.fetch_sub(1);
  return SIGTERM;
}

}  // namespace tallybus

using tallybus::Daemon;
using tallybus::LogLevel;
using tallybus::config::Config;

absl::StatusOr<std::unique_ptr<tallybus_router>> tallybus_router::Open(
    const tallybus_router_host& host, const std::string& file) {
  // What simdjson makes at its first use is destroyed at an exit, before what is registered
  // earlier: it has to be there when an engine's library registers that it closes what is left
  // open.
  if (!simdjson::validate_utf8("", 0)) return absl::InternalError("simdjson cannot be used");
  std::unique_ptr<tallybus_router> router(new tallybus_router(host));
  if (!router->stop_.ok()) return absl::ResourceExhaustedError("no file descriptor is left");
  tallybus::config::LoadOptions load;
  load.file = file;
  load.written_listeners_only = true;
  absl::StatusOr<Config> config = tallybus::config::Load(load);
  if (!config.ok()) return config.status();
  router->log_.SetLeast(config->log_level);
  std::future<absl::Status> started = router->started_.get_future();
  router->thread_ = tallybus::StartThread(
      "tallybus-router", [raw = router.get(), config = *std::move(config)] { raw->Run(config); });
  absl::Status status = started.get();
  if (status.ok()) return router;
  router->thread_.join();
  return status;
}

// Nothing is thrown at an engine: one without a router is better than one that is no more.
void tallybus_router::Run(Config config) {
  absl::Status status;
  try {
    status = Serve(std::move(config));
  } catch (const std::exception& error) {
    status = absl::InternalError(absl::StrCat("no router: ", error.what()));
  }
  if (zmq_context_ == nullptr) started_.set_value(status);
  ended_.set_value();
}

absl::Status tallybus_router::Serve(Config config) {
  auto daemon =
      Daemon::Start({.config = std::move(config), .reload = {}, .in_engine = true}, log_, stop_);
  if (!daemon.ok()) return daemon.status();
  zmq_context_ = (*daemon)->zmq_context();
  started_.set_value(absl::OkStatus());
  RunUntilAsked(**daemon);
  return absl::OkStatus();
}

// Its context is lent to publishers: what failed is told at once, and stays until they are gone.
void tallybus_router::RunUntilAsked(Daemon& daemon) {
  try {
    daemon.Run();
  } catch (const std::exception& error) {
    log_.Write(LogLevel::kError, absl::StrCat("the router ended: ", error.what()));
    stop_.Wait();
  }
}

void tallybus_router::Close(uint32_t drain_ms) {
  stop_.Ask();
  const std::future<void> ended = ended_.get_future();
  if (ended.wait_for(std::chrono::milliseconds(drain_ms)) != std::future_status::ready) stop_.Ask();
  thread_.join();
}
