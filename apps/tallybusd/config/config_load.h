// From a file, overrides and the environment to the configuration, or to the one line that says
// what is wrong.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_LOAD_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_LOAD_H_

#include <absl/status/statusor.h>

#include <optional>
#include <string>
#include <vector>

#include "config.h"
#include "variables.h"

namespace tallybus::config {

inline constexpr size_t kMaxFileBytes = size_t{1} << 20;

struct LoadOptions {
  std::optional<std::string> file;  // nullopt: the defaults alone
  std::vector<std::string> sets;    // "key=value", applied over the file in their order
  GetEnv getenv = ProcessEnvironment;
  std::string default_engine_endpoint;  // empty: engine.sock in the runtime directory
  std::string default_spool_path;       // empty: the state directory; "memory" where none is wanted
  std::string default_admin_address;    // empty: admin.sock in the runtime directory
  bool written_listeners_only = false;  // what the file does not write is off
};

// [control] Blocks while it reads the file. The first error only, one line, values never shown:
//   NOT_FOUND, PERMISSION_DENIED, ..  "FILE: cannot be read: .."
//   INVALID_ARGUMENT  "FILE:LINE:COLUMN: apps.x.timeot: unknown key; did you mean "timeout"?", or
//                     "--set KEY: .." for an override
//   UNIMPLEMENTED     in the same form: a key or value of a later version
absl::StatusOr<Config> Load(const LoadOptions& options);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_LOAD_H_
