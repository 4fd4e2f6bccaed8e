// The kernel's own tables: /proc/locks names the process of a lock, /proc/net/tcp the socket of a
// port.
#include "apps/tallybusd/check/lock_holder.h"

#include <absl/cleanup/cleanup.h>
#include <absl/status/status.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>
#include <vector>

namespace tallybus::check {
namespace {

std::vector<std::string> Words(const std::string& line) {
  return absl::StrSplit(line, ' ', absl::SkipEmpty());
}

// "7: FLOCK ADVISORY WRITE 4711 fe:01:131 0 EOF". Some file systems show another device than stat
// does: then the inode must do, where it is one process's alone.
pid_t PidOfLock(const struct stat& file) {
  const std::string inode = absl::StrCat(":", file.st_ino);
  const std::string whole =
      absl::StrFormat("%02x:%02x%s", major(file.st_dev), minor(file.st_dev), inode);
  std::set<pid_t> alike;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    const std::vector<std::string> words = Words(line);
    int pid = 0;
    if (words.size() < 6 || words[1] != "FLOCK" || !absl::SimpleAtoi(words[4], &pid)) continue;
    if (words[5] == whole) return pid;
    if (words[5].ends_with(inode)) alike.insert(pid);
  }
  return alike.size() == 1 ? *alike.begin() : 0;
}

std::string ProgramOf(pid_t pid) {
  std::ifstream comm(absl::StrCat("/proc/", pid, "/comm"));
  std::string name;
  std::getline(comm, name);
  return name;
}

// "socket:[123]" of each socket that listens on the port.
std::set<std::string> ListenersOn(uint16_t port) {
  constexpr char kListens[] = "0A";
  const std::string end = absl::StrFormat(":%04X", port);
  std::set<std::string> sockets;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      const std::vector<std::string> words = Words(line);
      if (words.size() < 10 || words[3] != kListens || !words[1].ends_with(end)) continue;
      sockets.insert(absl::StrCat("socket:[", words[9], "]"));
    }
  }
  return sockets;
}

}  // namespace

std::string Holder::ToString() const {
  if (pid <= 0) return "a process that is not to be seen from here";
  return absl::StrCat(program.empty() ? "a process" : program, ", pid ", pid);
}

absl::StatusOr<std::optional<Holder>> HolderOf(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  const absl::Cleanup closes = [fd] { close(fd); };
  if (flock(fd, LOCK_SH | LOCK_NB) == 0) return std::nullopt;
  if (errno != EWOULDBLOCK) return absl::ErrnoToStatus(errno, path);
  struct stat file;
  if (fstat(fd, &file) != 0) return absl::ErrnoToStatus(errno, path);
  const pid_t pid = PidOfLock(file);
  return Holder{pid, ProgramOf(pid)};
}

Ownership ListensOn(const Holder& holder, uint16_t port) {
  const std::set<std::string> sockets = ListenersOn(port);
  std::error_code error;
  std::filesystem::directory_iterator files(absl::StrCat("/proc/", holder.pid, "/fd"), error);
  if (holder.pid <= 0 || sockets.empty() || error) return Ownership::kUnknown;
  for (const auto& file : files) {
    const auto target = std::filesystem::read_symlink(file.path(), error);
    if (sockets.contains(target.string())) return Ownership::kOwn;
  }
  return Ownership::kForeign;
}

}  // namespace tallybus::check
