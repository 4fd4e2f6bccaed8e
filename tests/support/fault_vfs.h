// A disk that fails on command, as a VFS of SQLite over its own one.
#ifndef TALLYBUS_TESTS_SUPPORT_FAULT_VFS_H_
#define TALLYBUS_TESTS_SUPPORT_FAULT_VFS_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>

namespace tallybus::testing {

// What has become of a write at a crash when no sync has followed it.
enum class Unsynced {
  kWritten,  // it is there, and nothing is held back
  kLost,
  kTorn,  // some sectors of it are there, chosen by the seed
};

struct FaultSettings {
  Unsynced unsynced = Unsynced::kWritten;
  uint64_t seed = 1;
  int64_t capacity = -1;
  std::string beside;
  absl::Duration sync_takes;
  bool fail_syncs = false;
};

// [any thread] Registered under its name from construction to destruction; every connection that
// uses it is closed by then. It offers no shared memory: WAL needs locking_mode=EXCLUSIVE.
class FaultVfs {
 public:
  using Unsynced = testing::Unsynced;

  explicit FaultVfs(const std::string& name, Unsynced unsynced = Unsynced::kLost,
                    uint64_t seed = 1);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  // Nothing reaches the disk from here on, though all seems to: what goes on is a ghost. The
  // ghost's files are to be closed before Reopen.
  void Crash();
  // As Crash, at the n-th write, sync or cut from now on.
  void CrashAfter(uint64_t operations);
  bool crashed() const;
  // The machine is up again, with what its disk has.
  void Reopen();

  // While set, syncs fail, and what they were for is lost to the disk.
  void FailSyncs(bool fail);
  // While set, reads fail.
  void FailReads(bool fail);
  // All but `unsynced` and `seed`, which a disk is made with.
  void Become(const FaultSettings& settings);
  // The disk's size: files of the VFS and the file at `beside` (it may be missing) share it. What
  // does not fit is SQLITE_FULL. Negative: no end.
  void SetCapacity(int64_t bytes, const std::string& beside = "");
  // What its files take, without the one beside.
  int64_t used() const;
  // Each sync takes so long at least.
  void SlowSyncs(absl::Duration each);
  // A thread that comes to a sync waits there until it is let go.
  void HoldSyncs(bool hold);
  uint64_t syncs() const;

  // Flips one bit of a file that is closed. False where it has no such bit.
  static bool FlipBit(const std::string& path, uint64_t bit);

 private:
  struct Disk;
  struct Handle;
  struct Calls;
  std::unique_ptr<Disk> disk_;
};

// The words are parted by commas: drop, tear:<seed>, slow_sync:<duration>, space:<bytes>,
// beside:<path> (see SetCapacity), fail_sync. INVALID_ARGUMENT: another word.
absl::StatusOr<FaultSettings> ParseFaultSettings(const std::string& words);

// Registers one named "fault" as TALLYBUS_FAULT_VFS says; nullptr where that is not set. Errors as
// ParseFaultSettings. [control] Keep it as long as the process has connections.
absl::StatusOr<std::unique_ptr<FaultVfs>> RegisterFaultVfsFromEnvironment();

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_FAULT_VFS_H_
