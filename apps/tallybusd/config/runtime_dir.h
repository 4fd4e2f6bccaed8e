// The directory for the daemon's sockets and locks.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_RUNTIME_DIR_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_RUNTIME_DIR_H_

#include <absl/status/status.h>

#include <string>

#include "variables.h"

namespace tallybus::config {

// $RUNTIME_DIRECTORY (the first entry, where systemd lists several), else
// $XDG_RUNTIME_DIR/tallybus, else `system_dir` where this process may write to it, else
// /tmp/tallybus-<uid>. Engines find the daemon's socket by the same rule. A variable that is empty
// or no absolute path counts as unset.
std::string RuntimeDir(const GetEnv& getenv, const std::string& system_dir = "/run/tallybus");

// [control] Makes the directory, mode 0700, where it is missing; its parent must exist.
// FAILED_PRECONDITION where it is no directory, belongs to another user, or, below a directory that
// everyone may write to, is a symbolic link or writable for anyone else: there, whoever came first
// could own the sockets. Otherwise the system's error.
absl::Status EnsureRuntimeDir(const std::string& path);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_RUNTIME_DIR_H_
