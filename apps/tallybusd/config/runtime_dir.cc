// The directory for the daemon's sockets and locks.
#include "runtime_dir.h"

#include <absl/strings/str_cat.h>
#include <unistd.h>

#include "private_directory.h"

namespace tallybus::config {

std::string RuntimeDir(const GetEnv& getenv, const std::string& system_dir) {
  if (auto directory = FirstDirectoryFrom(getenv, "RUNTIME_DIRECTORY")) return *directory;
  if (auto directory = DirectoryFrom(getenv, "XDG_RUNTIME_DIR")) return *directory + "/tallybus";
  if (access(system_dir.c_str(), W_OK | X_OK) == 0) return system_dir;
  return absl::StrCat("/tmp/tallybus-", getuid());
}

absl::Status EnsureRuntimeDir(const std::string& path) {
  return EnsurePrivateDirectory(path, {.what = "runtime directory"});
}

}  // namespace tallybus::config
