// The file of a durable spool: its folder, lock, settings, schema and reserve.
#ifndef TALLYBUS_SPOOL_SPOOL_FILE_H_
#define TALLYBUS_SPOOL_SPOOL_FILE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <utility>

#include "spool/sqlite_db.h"
#include "tallybus/sqlite_spool.h"

namespace tallybus {

// The schema that this version writes. It reads no other: there is none yet.
inline constexpr int kSpoolSchema = 1;

// An expression: the highest number that any row has.
inline constexpr char kHighestNumber[] =
    "(SELECT coalesce(max(seq), 0) FROM (SELECT max(seq) AS seq FROM event UNION ALL "
    "SELECT max(seq) FROM queue UNION ALL SELECT max(seq) FROM settled))";

// A statement: a body that has lost its place in the queue waits again.
inline constexpr char kGivePlaces[] =
    "INSERT OR IGNORE INTO queue SELECT seq, lane, length(CAST(json AS BLOB)), (flags & 2) <> 0, "
    "accepted_us, 0, 0, 0, -9223372036854775807 - 1, 1 FROM event "
    "WHERE seq NOT IN (SELECT seq FROM settled);";

// Open and locked as long as it lives. One thread at a time.
class SpoolFile {
 public:
  // [control] FAILED_PRECONDITION: another process has it, or a newer version wrote it. DATA_LOSS:
  // damaged, with the commands that repair it or set it aside. Else as SqliteStatus.
  static absl::StatusOr<SpoolFile> Open(const SqliteSpoolOptions& options);
  // [control] Without the lock, and with no right to write, for a file that no process has. As
  // Open, and NOT_FOUND: there is none, or an opening would have to write before it can be read.
  static absl::StatusOr<SpoolFile> OpenToRead(const std::string& directory);

  SqliteDb& db() { return db_; }
  // Whether the process that had it last closed it in order. Asked once, at the opening.
  bool was_closed() const { return was_closed_; }
  // The first transaction after the opening. After an unclean end what is there may have arrived,
  // and that is remembered.
  absl::Status MarkOpened();
  // True: the last transaction of an orderly end.
  absl::Status MarkClosed(bool closed);
  // Has each commit wait for the disk, or not.
  absl::Status SyncCommits(bool sync);
  // Writes the log into the file and syncs the folder.
  absl::Status Checkpoint();

  // Gives the disk free pages of the file, 32 MiB at most, by transactions of at most 3 MiB of log
  // each of which is brought into the file at once. A file from before auto_vacuum has none to
  // give.
  absl::Status GiveRoomBack();

  // Room on the disk that is given up so that verdicts can be written when the disk is full. It is
  // more than the log can hold when events find no more room, so that with it the log always can be
  // brought into the file.
  static constexpr int64_t kReserveBytes = int64_t{24} << 20;
  bool HasReserve() const;
  // RESOURCE_EXHAUSTED: there is no room for it and `margin` bytes more, which are part of it until
  // it is taken with another margin; a whole reserve without a margin stays whole.
  absl::Status TakeReserve(int64_t margin = 0);
  void GiveUpReserve();

  // What to say of a damaged file or a full disk, after `status`.
  absl::Status Mend(const absl::Status& status) const;

 private:
  class Descriptor {
   public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
      std::swap(fd_, other.fd_);
      return *this;
    }
    int get() const { return fd_; }

   private:
    int fd_ = -1;
  };

  absl::Status Lock();
  // DATA_LOSS: the file at `path` has lost what it held.
  absl::Status CheckTruncated(const std::string& path) const;
  absl::Status NoteUsed();
  absl::Status Configure(SpoolSync sync);
  // With it the file can give single pages back to the disk.
  absl::Status GiveNewFilePageMap();
  absl::Status Pragma(const std::string& name, const std::string& value, const std::string& read);
  // False: it is to be written. FAILED_PRECONDITION: it is another one.
  absl::StatusOr<bool> HasSchema();
  absl::Status MakeSchema();
  absl::Status WriteSchema();
  absl::Status Transact(const std::string& sql);
  absl::Status ReadClosed();

  std::string directory_;
  Descriptor lock_;
  SqliteDb db_;
  bool was_closed_ = false;
};

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_SPOOL_FILE_H_
