// Lines are written by one call where the system takes them whole, and taken back where it does
// not.
#include "transports/file/rotating_file.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tallybus::file {
namespace {

constexpr mode_t kMode = 0640;
constexpr int kMostOpens = 10;  // where others put the file aside again and again

// What a crash or a full disk has left of a line is ended: the next event stays whole.
bool EndsInsideLine(int file, int64_t size) {
  char last = '\n';
  return size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

RotatingFile::~RotatingFile() { Close(); }

absl::Status RotatingFile::Append(std::string_view lines) {
  absl::Status status = OpenLocked();
  if (!status.ok()) return status;
  status = WriteLines(lines);
  if (status.ok()) status = Sync();
  if (file_ >= 0) flock(file_, LOCK_UN);
  return status;
}

absl::Status RotatingFile::OpenLocked() {
  for (int i = 0; i < kMostOpens; ++i) {
    if (file_ < 0) {
      if (absl::Status status = Open(); !status.ok()) return status;
    }
    // Not waited for: whoever has it locked and hangs would hold up our stop too.
    if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
      return Failed(absl::StatusCode::kUnavailable, "lock");
    }
    if (IsStillThere()) return EndTornLine();
    Close();
  }
  errno = EBUSY;
  return Failed(absl::StatusCode::kUnavailable, "lock");
}

absl::Status RotatingFile::Open() {
  file_ = open(settings_.path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, kMode);
  if (file_ < 0) return Failed(absl::StatusCode::kUnavailable, "open");
  struct stat status = {};
  if (fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) {
    Close();
    errno = EINVAL;
    return Failed(absl::StatusCode::kUnavailable, "open");
  }
  new_name_ = true;
  return absl::OkStatus();
}

// It may have been moved away, by another writer or an operator.
bool RotatingFile::IsStillThere() const {
  struct stat ours = {};
  struct stat there = {};
  return fstat(file_, &ours) == 0 && stat(settings_.path.c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

absl::Status RotatingFile::EndTornLine() {
  struct stat status = {};
  if (fstat(file_, &status) != 0) return Failed(absl::StatusCode::kUnavailable, "stat");
  size_ = status.st_size;
  return EndsInsideLine(file_, size_) ? Write("\n") : absl::OkStatus();
}

absl::Status RotatingFile::WriteLines(std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view fitting = Fitting(lines);
    absl::Status status = fitting.empty() ? Rotate() : Write(fitting);
    if (!status.ok()) return status;
    lines.remove_prefix(fitting.size());
  }
  return absl::OkStatus();
}

// The lines that the file has room for; of an empty file the first one in any case.
std::string_view RotatingFile::Fitting(std::string_view lines) const {
  const int64_t room = settings_.rotate_size - size_;
  if (settings_.rotate_size == 0 || room >= static_cast<int64_t>(lines.size())) return lines;
  const size_t end = room > 0 ? lines.substr(0, static_cast<size_t>(room)).rfind('\n') : lines.npos;
  if (end != lines.npos) return lines.substr(0, end + 1);
  return size_ == 0 ? lines.substr(0, lines.find('\n') + 1) : std::string_view();
}

absl::Status RotatingFile::Write(std::string_view bytes) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n = write(file_, bytes.data() + written, bytes.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      // Where this fails too, the next one finds a torn line and ends it.
      [[maybe_unused]] const int cut = ftruncate(file_, size_);
      errno = error;
      return Failed(absl::StatusCode::kDataLoss, "write");
    }
    written += static_cast<size_t>(n);
  }
  size_ += static_cast<int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::Status RotatingFile::Rotate() {
  if (absl::Status status = Sync(); !status.ok()) return status;
  for (int i = settings_.keep - 1; i > 0; --i) {
    const std::string older = absl::StrCat(settings_.path, ".", i + 1);
    const int moved = std::rename(absl::StrCat(settings_.path, ".", i).c_str(), older.c_str());
    // What cannot be moved would be overwritten by the next.
    if (moved != 0 && errno != ENOENT) return Failed(absl::StatusCode::kDataLoss, "put aside");
  }
  if (std::rename(settings_.path.c_str(), absl::StrCat(settings_.path, ".1").c_str()) != 0) {
    return Failed(absl::StatusCode::kDataLoss, "put aside");
  }
  Close();
  const absl::Status status = OpenLocked();
  return status.ok() ? status : absl::DataLossError(status.message());
}

absl::Status RotatingFile::Sync() {
  if (!settings_.sync) return absl::OkStatus();
  if (fdatasync(file_) != 0) return Failed(absl::StatusCode::kDataLoss, "sync");
  if (!new_name_) return absl::OkStatus();
  const std::string folder = settings_.path.substr(0, settings_.path.rfind('/') + 1);
  const int handle = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = handle >= 0 && fsync(handle) == 0;
  if (handle >= 0) close(handle);
  if (!synced) return Failed(absl::StatusCode::kDataLoss, "sync the folder of");
  new_name_ = false;
  return absl::OkStatus();
}

void RotatingFile::Close() {
  if (file_ >= 0) close(file_);  // and so unlocked
  file_ = -1;
}

absl::Status RotatingFile::Failed(absl::StatusCode code, std::string_view what) const {
  return absl::Status(code, absl::StrCat("cannot ", std::string(what), " ", settings_.path, ": ",
                                         std::strerror(errno)));
}

}  // namespace tallybus::file
