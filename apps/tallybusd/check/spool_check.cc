// The folder is made by the daemon's own rules, and taken away again.
#include "apps/tallybusd/check/spool_check.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "apps/tallybusd/check/folder.h"
#include "apps/tallybusd/config/state_dir.h"
#include "tallybus/sqlite_spool.h"

namespace tallybus::check {
namespace {

constexpr char kKey[] = "spool.path: ";

absl::Status CheckFile(const std::string& path) {
  struct stat file;
  if (stat(path.c_str(), &file) != 0) {
    return errno == ENOENT ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
  }
  if (!S_ISREG(file.st_mode)) return absl::FailedPreconditionError(path + ": is no file");
  return access(path.c_str(), R_OK | W_OK) == 0 ? absl::OkStatus()
                                                : absl::ErrnoToStatus(errno, path);
}

int64_t BytesIn(const std::string& path) {
  struct stat file;
  return stat(path.c_str(), &file) == 0 ? file.st_size : 0;
}

// What is in the spool already needs no more room.
void CheckRoom(const config::Spool& spool, Findings* findings) {
  struct statvfs disk;
  if (statvfs(spool.path.c_str(), &disk) != 0) return;
  const auto free = static_cast<int64_t>(disk.f_bavail * disk.f_frsize);
  const int64_t needed = spool.max_bytes - BytesIn(spool.path + "/spool.db");
  if (free >= needed) return;
  findings->Add(Weight::kWarning,
                absl::StrCat(kKey, spool.path, ": the disk has ", free >> 20,
                             " MiB left, and spool.max_size allows ", needed >> 20,
                             " MiB more; make room, or lower spool.max_size"));
}

using MayBeHeld = absl::StatusOr<std::optional<Holder>>;

MayBeHeld HolderIn(const std::string& folder) { return HolderOf(folder + "/spool.lock"); }

void CheckContent(const std::string& folder, Findings* findings) {
  const absl::Status status = CheckSqliteSpool(folder);
  if (status.ok()) return;
  const MayBeHeld now = HolderIn(folder);
  if (now.ok() && *now) return;  // a router has begun to write there meanwhile
  const bool has_key = absl::StartsWith(status.message(), kKey);
  findings->Error(absl::StrCat(has_key ? "" : kKey, status.message()));
}

// In a folder that is there.
void CheckInside(const config::Spool& spool, const MayBeHeld& holder, Findings* findings) {
  absl::Status status = TryWriting(spool.path);
  if (status.ok()) status = CheckFile(spool.path + "/spool.db");
  if (status.ok()) status = CheckFile(spool.path + "/spool.lock");
  if (status.ok()) status = holder.status();
  if (!status.ok()) {
    findings->Error(absl::StrCat(kKey, status.message(), "; let the user of tallybusd (uid ",
                                 geteuid(), ") write there, or name another directory"));
  } else if (!*holder) {
    CheckContent(spool.path, findings);
  }
  CheckRoom(spool, findings);
}

// A folder of another user's is most likely the daemon's, and who checks is somebody else.
std::string HintOfUser(const std::string& path) {
  struct stat folder;
  if (stat(path.c_str(), &folder) != 0 || folder.st_uid == geteuid()) return "";
  return absl::StrCat("; or check as the user who has it (uid ", folder.st_uid, ")");
}

}  // namespace

std::optional<Holder> CheckSpool(const config::Spool& spool, Findings* findings) {
  if (spool.InMemory()) return std::nullopt;
  findings->tested.emplace_back("the spool");
  const MissingFolders leaves_none(spool.path);
  const absl::Status made = config::EnsureStateDir(spool.path);
  const MayBeHeld holder = HolderIn(spool.path);
  if (made.ok()) {
    CheckInside(spool, holder, findings);
  } else {
    findings->Error(absl::StrCat(made.message(), HintOfUser(spool.path)));
  }
  if (!holder.ok() || !*holder) return std::nullopt;
  findings->Add(Weight::kNote,
                absl::StrCat(kKey, spool.path, " is in use by the router that runs (",
                             (*holder)->ToString(), ")"));
  return *holder;
}

}  // namespace tallybus::check
