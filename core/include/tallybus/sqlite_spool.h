// The durable spool: one SQLite file, written by one thread.
#ifndef TALLYBUS_SQLITE_SPOOL_H_
#define TALLYBUS_SQLITE_SPOOL_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <memory>
#include <string>

#include "tallybus/clock.h"
#include "tallybus/spool.h"

namespace tallybus {

enum class SpoolSync {
  kCommit,    // an acknowledged event is on the disk
  kInterval,  // written to the kernel at once, to the disk every 200 ms: a power cut loses those
  kOff,       // the kernel decides, some 30 s: a power cut loses those, and may damage the file
};

struct SqliteSpoolOptions {
  std::string directory;  // made where it is missing, 0700
  SpoolSync sync = SpoolSync::kCommit;
  size_t max_bytes = size_t{4} << 30;            // of events; the file is up to a half larger
  absl::Duration retain = absl::ZeroDuration();  // of what was delivered
  absl::Duration dead_letter_age = absl::Hours(336);
  size_t dead_letter_bytes = size_t{256} << 20;
  // By hand, between two daemons: nothing is forgotten, not even how the last one ended.
  bool offline = false;
  std::string vfs;  // of SQLite, by name; empty: its own
};

// [control] Opens or makes it, and locks it. FAILED_PRECONDITION: another process has it, or a
// newer version wrote it. DATA_LOSS: it is damaged; the text has the commands that repair it or set
// it aside. `clock` outlives the spool.
absl::StatusOr<std::unique_ptr<Spool>> OpenSqliteSpool(const SqliteSpoolOptions& options,
                                                       const Clock& clock);

// [control] What an opening and its start would refuse, of a spool that no process has open; OK
// where there is none yet. Takes no lock and writes nothing. Reads all but the bodies: seconds,
// where millions of events wait.
absl::Status CheckSqliteSpool(const std::string& directory);

}  // namespace tallybus

#endif  // TALLYBUS_SQLITE_SPOOL_H_
