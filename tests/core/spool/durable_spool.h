// A durable spool on a disk that fails on command, which a test opens, crashes and opens again.
#ifndef TALLYBUS_TESTS_CORE_SPOOL_DURABLE_SPOOL_H_
#define TALLYBUS_TESTS_CORE_SPOOL_DURABLE_SPOOL_H_

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "tallybus/sqlite_spool.h"
#include "tests/core/spool/spool_watcher.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/scratch_directory.h"

namespace tallybus::testing {

// For what only another thread can bring about and nothing tells of.
template <typename Holds>
bool Eventually(Holds holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class DurableSpool {
 public:
  explicit DurableSpool(FaultVfs::Unsynced unsynced = FaultVfs::Unsynced::kLost, uint64_t seed = 1)
      : vfs("tests-" + scratch.path(), unsynced, seed) {
    options.directory = scratch.path() + "/spool";
    options.vfs = "tests-" + scratch.path();
    options.dead_letter_age = absl::InfiniteDuration();  // the rows are of 2023
  }
  ~DurableSpool() {
    vfs.HoldSyncs(false);
    spool.reset();
  }

  absl::Status Open(const Clock& with) {
    watcher = std::make_unique<SpoolWatcher>();
    found = {};
    absl::StatusOr<std::unique_ptr<Spool>> opened = OpenSqliteSpool(options, with);
    if (!opened.ok()) return opened.status();
    spool = *std::move(opened);
    return spool->Start(*watcher, found);
  }
  absl::Status Open() { return Open(clock); }
  // As by the power: what was not synced is gone.
  void Crash() {
    vfs.Crash();
    vfs.HoldSyncs(false);
    spool.reset();
    vfs.Reopen();
  }
  absl::Status Stop() {
    absl::Status status = spool->Stop();
    spool.reset();
    vfs.Reopen();
    return status;
  }
  // Appends and waits for the commit.
  bool Commit(SpoolBatch batch) {
    const size_t before = watcher->batches();
    spool->Append(std::move(batch));
    return watcher->UntilBatches(before + 1);
  }
  std::string path() const { return options.directory + "/spool.db"; }

  ScratchDirectory scratch;
  FaultVfs vfs;
  SystemClock clock;
  SqliteSpoolOptions options;
  std::unique_ptr<SpoolWatcher> watcher;
  Found found;
  std::unique_ptr<Spool> spool;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CORE_SPOOL_DURABLE_SPOOL_H_
