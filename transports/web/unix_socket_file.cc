// Who owns a socket's path: a lock among ourselves, a connection attempt for everyone else.
#include "transports/web/unix_socket_file.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tallybus {
namespace {

// Path and setting, for the sentences about them.
struct Place {
  const std::string& setting;
  const std::string& path;

  absl::Status Refused(const std::string& why) const {
    return absl::FailedPreconditionError(
        absl::StrCat(setting, ": cannot listen on unix:", path, ": ", why));
  }
  absl::Status Taken(const char* by) const {
    return Refused(absl::StrCat(by, " listens there; stop it, or give this one another ", setting));
  }
};

absl::Status CheckPath(const Place& place) {
  const std::string& path = place.path;
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        place.setting, ": 'unix:", path, "' needs an absolute path: unix:/run/tallybus/x.sock"));
  }
  if (path.size() > kMaxUnixSocketPath) {
    return absl::InvalidArgumentError(
        absl::StrCat(place.setting, ": the path of a socket holds at most ", kMaxUnixSocketPath,
                     " bytes, and ", path, " has ", path.size()));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Lock(const Place& place) {
  const std::string file = absl::StrCat(place.path, ".lock");
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return place.Refused(absl::StrCat(file, " cannot be made: ", strerror(errno),
                                      "; mend its directory, or set ", place.setting,
                                      " to another path"));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int error = errno;
  close(fd);
  if (error == EWOULDBLOCK) return place.Taken("another process");
  return place.Refused(absl::StrCat(file, " cannot be locked: ", strerror(error)));
}

// 0: somebody took the connection; else the errno of why nobody did.
int TryConnect(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  const int error =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  close(fd);
  return error;
}

// Whoever holds no lock of ours may listen there all the same.
absl::Status RemoveStale(const Place& place) {
  struct stat there;
  if (lstat(place.path.c_str(), &there) != 0) return absl::OkStatus();  // bind tells what else is
  if (!S_ISSOCK(there.st_mode)) {
    return place.Refused(absl::StrCat("a file that is no socket is there; remove it, or set ",
                                      place.setting, " to another path"));
  }
  if (TryConnect(place.path) != ECONNREFUSED) return place.Taken("another program");
  if (unlink(place.path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return place.Refused(
      absl::StrCat("a dead process left its socket there, which cannot be "
                   "removed: ",
                   strerror(errno)));
}

}  // namespace

absl::StatusOr<UnixSocketFile> UnixSocketFile::Claim(const std::string& setting,
                                                     const std::string& path) {
  const Place place{setting, path};
  if (absl::Status status = CheckPath(place); !status.ok()) return status;
  absl::StatusOr<int> lock = Lock(place);
  if (!lock.ok()) return lock.status();
  UnixSocketFile file(path, *lock);
  if (absl::Status status = RemoveStale(place); !status.ok()) return status;
  return file;
}

UnixSocketFile::UnixSocketFile(UnixSocketFile&& other) noexcept
    : path_(std::move(other.path_)),
      lock_fd_(std::exchange(other.lock_fd_, -1)),
      bound_(std::exchange(other.bound_, false)),
      device_(other.device_),
      inode_(other.inode_) {}

UnixSocketFile::~UnixSocketFile() {
  struct stat there;
  if (bound_ && lstat(path_.c_str(), &there) == 0 && there.st_dev == device_ &&
      there.st_ino == inode_) {
    unlink(path_.c_str());
  }
  if (lock_fd_ >= 0) close(lock_fd_);
}

void UnixSocketFile::Bound() {
  struct stat there;
  if (lstat(path_.c_str(), &there) != 0) return;
  bound_ = true;
  device_ = there.st_dev;
  inode_ = there.st_ino;
}

}  // namespace tallybus
