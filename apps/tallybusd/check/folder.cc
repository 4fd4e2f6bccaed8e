// An unnamed file is gone with its descriptor, whatever ends the process.
#include "apps/tallybusd/check/folder.h"

#include <absl/cleanup/cleanup.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace tallybus::check {
namespace {

constexpr size_t kBytes = size_t{16} << 10;

// Where the file system knows none without a name, it has one for a moment.
int NewFile(const std::string& folder) {
  const int unnamed = open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (unnamed >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return unnamed;
  std::string name = folder + "/.tallybus-check-XXXXXX";
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

}  // namespace

MissingFolders::MissingFolders(const std::string& path) {
  std::filesystem::path each = path;
  struct stat there;
  while (each.has_relative_path() && lstat(each.c_str(), &there) != 0 && errno == ENOENT) {
    missing_.push_back(each);
    each = each.parent_path();
  }
}

MissingFolders::~MissingFolders() {
  for (const std::string& folder : missing_) rmdir(folder.c_str());
}

absl::Status TryWriting(const std::string& folder) {
  const int file = NewFile(folder);
  if (file < 0) return absl::ErrnoToStatus(errno, folder);
  const absl::Cleanup closes = [file] { close(file); };
  const std::string bytes(kBytes, '\0');
  errno = ENOSPC;  // of a write that is cut short
  if (write(file, bytes.data(), kBytes) == static_cast<ssize_t>(kBytes)) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, folder);
}

}  // namespace tallybus::check
