// The file of a unix socket that one process listens on: claimed by a lock, removed at the end.
#ifndef TALLYBUS_TRANSPORTS_WEB_UNIX_SOCKET_FILE_H_
#define TALLYBUS_TRANSPORTS_WEB_UNIX_SOCKET_FILE_H_

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <cstddef>
#include <string>

namespace tallybus {

// The longest path of a unix socket, sun_path less its final zero.
inline constexpr size_t kMaxUnixSocketPath = 107;

// [control] One thread.
class UnixSocketFile {
 public:
  // Makes `path` free to bind: takes the lock `<path>.lock` and removes a socket file that a dead
  // process left. `setting` is what the operator calls the path, for errors. INVALID_ARGUMENT: no
  // absolute path of at most kMaxUnixSocketPath bytes. FAILED_PRECONDITION: somebody listens there,
  // another kind of file is there, or the directory does not let a file in; the text names the
  // setting, the path and the mend.
  static absl::StatusOr<UnixSocketFile> Claim(const std::string& setting, const std::string& path);
  // Removes what Bound saw, if it is still that, and gives the lock up. The lock's file stays:
  // removing it would race.
  ~UnixSocketFile();
  UnixSocketFile(UnixSocketFile&& other) noexcept;
  UnixSocketFile& operator=(UnixSocketFile&&) = delete;

  // The socket was bound: the file that is at the path now is ours.
  void Bound();
  const std::string& path() const { return path_; }

 private:
  UnixSocketFile(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  std::string path_;
  int lock_fd_;
  bool bound_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_UNIX_SOCKET_FILE_H_
