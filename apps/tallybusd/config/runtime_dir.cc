// The directory for the daemon's sockets and locks.
#include "runtime_dir.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

namespace tallybus::config {
namespace {

// An absolute path without its final slashes; nullopt: the variable gives none.
std::optional<std::string> Directory(const GetEnv& getenv, std::string_view variable) {
  std::string path = getenv(variable).value_or("");
  if (variable == "RUNTIME_DIRECTORY") path = path.substr(0, path.find(':'));
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (!path.starts_with('/')) return std::nullopt;
  return path;
}

absl::Status Refused(const std::string& path, const char* why) {
  return absl::FailedPreconditionError(absl::StrCat("runtime directory ", path, ": ", why));
}

absl::Status Failed(const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("runtime directory ", path));
}

absl::StatusOr<bool> EveryoneMayWriteTo(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return Failed(path);
  return (info.st_mode & S_IWOTH) != 0;
}

std::string Parent(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::string RuntimeDir(const GetEnv& getenv, const std::string& system_dir) {
  if (auto directory = Directory(getenv, "RUNTIME_DIRECTORY")) return *directory;
  if (auto directory = Directory(getenv, "XDG_RUNTIME_DIR")) return *directory + "/tallybus";
  if (access(system_dir.c_str(), W_OK | X_OK) == 0) return system_dir;
  return absl::StrCat("/tmp/tallybus-", getuid());
}

absl::Status EnsureRuntimeDir(const std::string& path) {
  absl::StatusOr<bool> exposed = EveryoneMayWriteTo(Parent(path));
  if (!exposed.ok()) return exposed.status();
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Failed(path);
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) return Failed(path);
  if (S_ISLNK(info.st_mode)) {
    if (*exposed) return Refused(path, "is a symbolic link in a directory that everyone may write");
    if (stat(path.c_str(), &info) != 0) return Failed(path);
  }
  if (!S_ISDIR(info.st_mode)) return Refused(path, "is no directory");
  if (info.st_uid != geteuid()) return Refused(path, "belongs to another user");
  if (*exposed && (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Refused(path, "is writable for others; chmod 700 it, or remove it");
  }
  return absl::OkStatus();
}

}  // namespace tallybus::config
