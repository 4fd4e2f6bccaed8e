// Directories that belong to the daemon alone: found by environment variables, made and checked.
#include "private_directory.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tallybus::config {
namespace {

std::optional<std::string> AbsolutePath(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (!path.starts_with('/')) return std::nullopt;
  return path;
}

absl::Status Refused(const DirectoryRules& rules, const std::string& path, const char* why) {
  return absl::FailedPreconditionError(absl::StrCat(rules.what, " ", path, ": ", why));
}

absl::Status Failed(const DirectoryRules& rules, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(rules.what, " ", path));
}

absl::StatusOr<bool> EveryoneMayWriteTo(const DirectoryRules& rules, const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return Failed(rules, path);
  return (info.st_mode & S_IWOTH) != 0;
}

std::string Parent(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status MakeParents(const DirectoryRules& rules, const std::string& path) {
  const std::string parent = Parent(path);
  struct stat info = {};
  if (stat(parent.c_str(), &info) == 0) return absl::OkStatus();
  if (errno != ENOENT || parent == path) return Failed(rules, parent);
  if (absl::Status status = MakeParents(rules, parent); !status.ok()) return status;
  if (mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST) return Failed(rules, parent);
  return absl::OkStatus();
}

absl::Status CheckOwner(const DirectoryRules& rules, const std::string& path,
                        const struct stat& info) {
  if (info.st_uid == geteuid() || (rules.root_may_own && info.st_uid == 0)) return absl::OkStatus();
  return Refused(rules, path, "belongs to another user");
}

}  // namespace

std::optional<std::string> DirectoryFrom(const GetEnv& getenv, std::string_view variable) {
  return AbsolutePath(getenv(variable).value_or(""));
}

std::optional<std::string> FirstDirectoryFrom(const GetEnv& getenv, std::string_view variable) {
  const std::string list = getenv(variable).value_or("");
  return AbsolutePath(list.substr(0, list.find(':')));
}

absl::Status EnsurePrivateDirectory(const std::string& path, const DirectoryRules& rules) {
  if (rules.make_parents) {
    if (absl::Status status = MakeParents(rules, path); !status.ok()) return status;
  }
  absl::StatusOr<bool> exposed = EveryoneMayWriteTo(rules, Parent(path));
  if (!exposed.ok()) return exposed.status();
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Failed(rules, path);
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) return Failed(rules, path);
  if (S_ISLNK(info.st_mode)) {
    if (*exposed) {
      return Refused(rules, path, "is a symbolic link in a directory that everyone may write");
    }
    if (stat(path.c_str(), &info) != 0) return Failed(rules, path);
  }
  if (!S_ISDIR(info.st_mode)) return Refused(rules, path, "is no directory");
  if (absl::Status status = CheckOwner(rules, path, info); !status.ok()) return status;
  if (*exposed && (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Refused(rules, path, "is writable for others; chmod 700 it, or remove it");
  }
  return absl::OkStatus();
}

}  // namespace tallybus::config
