// The directory for what must outlive the daemon: the spool.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_STATE_DIR_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_STATE_DIR_H_

#include <absl/status/status.h>

#include <string>

#include "variables.h"

namespace tallybus::config {

// $STATE_DIRECTORY (the first entry, where systemd lists several), else `system_dir` where this
// process may write to it, else $XDG_STATE_HOME/tallybus, else $HOME/.local/state/tallybus, else
// `system_dir`, which then cannot be made and says so. A variable that is empty or no absolute path
// counts as unset.
std::string StateDir(const GetEnv& getenv, const std::string& system_dir = "/var/lib/tallybus");

// [control] Makes the directory and its missing parents, mode 0700. FAILED_PRECONDITION where it is
// no directory, belongs to a user who is neither this process's nor root, is writable for everyone,
// or, below a directory that everyone may write to, is a symbolic link or writable for a group.
// Otherwise the system's error, as where this process may not write to it. Each message names
// spool.path, the path, and what to do about it.
absl::Status EnsureStateDir(const std::string& path);

// [any thread] What opening the spool in it came to; PERMISSION_DENIED gets the same advice.
absl::Status WithMend(const absl::Status& status);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_STATE_DIR_H_
