// Directories that belong to the daemon alone: found by environment variables, made and checked.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_PRIVATE_DIRECTORY_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_PRIVATE_DIRECTORY_H_

#include <absl/status/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "variables.h"

namespace tallybus::config {

// The absolute path in `variable`, without final slashes; nullopt where it is unset, empty or
// relative. The second takes the first entry where systemd lists several, with colons between them.
std::optional<std::string> DirectoryFrom(const GetEnv& getenv, std::string_view variable);
std::optional<std::string> FirstDirectoryFrom(const GetEnv& getenv, std::string_view variable);

struct DirectoryRules {
  const char* what;           // leads every error: "runtime directory"
  bool make_parents = false;  // else the parent must exist
  bool root_may_own = false;  // else it must be this process's user
};

// [control] Makes the directory, mode 0700, where it is missing. FAILED_PRECONDITION where it is no
// directory, belongs to another user, or, below a directory that everyone may write to, is a
// symbolic link or writable for anyone else: there, whoever came first could own what is in it.
// Otherwise the system's error.
absl::Status EnsurePrivateDirectory(const std::string& path, const DirectoryRules& rules);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_PRIVATE_DIRECTORY_H_
