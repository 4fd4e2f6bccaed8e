// Owners of files and of the folders above them.
#include "apps/tallybus/file_access.h"

#include <absl/strings/str_cat.h>
#include <pwd.h>
#include <sys/stat.h>

#include <array>

namespace tallybus::cli {
namespace {

std::string NameOf(uid_t uid) {
  passwd entry;
  passwd* found = nullptr;
  std::array<char, 4096> buffer;
  getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->pw_name : absl::StrCat("the user with id ", uid);
}

std::string OwnerAndRoot(uid_t uid) {
  return uid == 0 ? "root" : absl::StrCat(NameOf(uid), " and root");
}

std::string Parent(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

}  // namespace

std::string WhoMayUse(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    return absl::StrCat("only ", OwnerAndRoot(info.st_uid), " may use it; run this as ",
                        info.st_uid == 0 ? "root" : "one of them");
  }
  // The first folder that shows itself is the one that does not let through.
  std::string folder = Parent(path);
  while (folder != "/" && stat(folder.c_str(), &info) != 0) folder = Parent(folder);
  if (stat(folder.c_str(), &info) != 0) return "a folder on the way lets nobody through";
  return absl::StrCat(folder, " lets only ", OwnerAndRoot(info.st_uid), " through",
                      (info.st_mode & S_IXGRP) != 0 ? ", and its group" : "");
}

}  // namespace tallybus::cli
