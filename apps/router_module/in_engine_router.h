// The daemon on a thread of an engine's process: one file makes it, and closing ends it.
#ifndef TALLYBUS_APPS_ROUTER_MODULE_IN_ENGINE_ROUTER_H_
#define TALLYBUS_APPS_ROUTER_MODULE_IN_ENGINE_ROUTER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <tallybus/c/router.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "apps/tallybusd/bus_loop.h"
#include "apps/tallybusd/config/config.h"
#include "apps/tallybusd/daemon.h"
#include "apps/tallybusd/signals.h"
#include "tallybus/log.h"

namespace tallybus {

// The engine's own log, from the level on that the file names.
class HostLog final : public Log {
 public:
  explicit HostLog(const tallybus_router_host& host) : host_(host) {}

  void SetLeast(LogLevel least) { least_ = least; }
  void Write(LogLevel level, std::string_view line) override;

 private:
  const tallybus_router_host host_;
  std::atomic<LogLevel> least_{LogLevel::kInfo};
};

// In the place of the process's signals, which are the engine's.
class StopRequests final : public Signals {
 public:
  void Ask();  // [any thread] the second one ends it at once

  int fd() const override { return wake_.fd(); }
  std::optional<int> Next() override;

 private:
  WakeUp wake_;
  std::atomic<int> asked_{0};
};

}  // namespace tallybus

// What the C interface hands out.
struct tallybus_router {
 public:
  // [any thread, may block] As tallybus_router_api_v1.open.
  static absl::StatusOr<std::unique_ptr<tallybus_router>> Open(const tallybus_router_host& host,
                                                               const std::string& file);
  // [exclusive, may block] As tallybus_router_api_v1.close.
  void Close(uint32_t drain_ms);

  void* zmq_context() const { return zmq_context_; }

 private:
  explicit tallybus_router(const tallybus_router_host& host) : log_(host) {}
  void Run(tallybus::config::Config config);
  absl::Status Serve(tallybus::config::Config config);

  tallybus::HostLog log_;
  tallybus::StopRequests stop_;
  void* zmq_context_ = nullptr;  // set once it has started
  std::promise<absl::Status> started_;
  std::promise<void> ended_;
  std::thread thread_;
};

#endif  // TALLYBUS_APPS_ROUTER_MODULE_IN_ENGINE_ROUTER_H_
