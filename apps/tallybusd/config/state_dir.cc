// The directory for what must outlive the daemon: the spool.
#include "state_dir.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "private_directory.h"

namespace tallybus::config {
namespace {

constexpr char kWhat[] = "spool.path:";

std::string MendFor(const absl::Status& status) {
  if (absl::StrContains(status.message(), "; ")) return "";  // it says so itself
  if (absl::StrContains(status.message(), std::generic_category().message(EROFS))) {
    return "; mount it for writing (under systemd: StateDirectory= or ReadWritePaths=), or name "
           "another directory";
  }
  switch (status.code()) {
    case absl::StatusCode::kPermissionDenied:
      return absl::StrCat("; let the user of tallybusd (uid ", geteuid(),
                          ") write there, or name another directory");
    case absl::StatusCode::kResourceExhausted:
      return "; make room there, or name another directory";
    case absl::StatusCode::kNotFound:
      return "; make it, or name another directory";
    default:
      return "; name another directory";
  }
}

absl::Status MakeAndCheck(const std::string& path) {
  // Volumes of container platforms belong to root and are opened by group.
  absl::Status status =
      EnsurePrivateDirectory(path, {.what = kWhat, .make_parents = true, .root_may_own = true});
  if (!status.ok()) return status;
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0 || access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(kWhat, " ", path));
  }
  if ((info.st_mode & S_IWOTH) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(kWhat, " ", path, ": is writable for everyone; name one of its own"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string StateDir(const GetEnv& getenv, const std::string& system_dir) {
  if (auto directory = FirstDirectoryFrom(getenv, "STATE_DIRECTORY")) return *directory;
  if (access(system_dir.c_str(), W_OK | X_OK) == 0) return system_dir;
  if (auto directory = DirectoryFrom(getenv, "XDG_STATE_HOME")) return *directory + "/tallybus";
  if (auto home = DirectoryFrom(getenv, "HOME")) return *home + "/.local/state/tallybus";
  return system_dir;
}

absl::Status EnsureStateDir(const std::string& path) {
  const absl::Status status = MakeAndCheck(path);
  if (status.ok()) return status;
  // A parent may be what is wrong.
  const bool named = absl::StrContains(status.message(), path);
  return absl::Status(status.code(), absl::StrCat(status.message(), named ? "" : ", for ",
                                                  named ? "" : path, MendFor(status)));
}

absl::Status WithMend(const absl::Status& status) {
  if (!absl::IsPermissionDenied(status)) return status;
  return absl::Status(status.code(), absl::StrCat(status.message(), MendFor(status)));
}

}  // namespace tallybus::config
