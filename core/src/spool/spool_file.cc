// Pragmas are set and read back: SQLite ignores what it cannot do.
#include "spool/spool_file.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace tallybus {
namespace {

constexpr int kApplicationId = 0x54616c79;  // "Taly"
// A piece of giving room back, and what is given back in one go. Each page costs the log at most
// three.
constexpr int kPagesAPiece = 64;
constexpr int kPiecesAtOnce = 32;

// Lanes, waiting rows and their bodies are apart, so that a start reads the first two alone.
constexpr char kTables[] = R"sql(
CREATE TABLE IF NOT EXISTS lane (id INTEGER PRIMARY KEY, route TEXT NOT NULL, key TEXT NOT NULL,
  last_sequence INTEGER NOT NULL, ended INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS queue (seq INTEGER PRIMARY KEY, lane INTEGER NOT NULL, bytes INTEGER NOT NULL,
  terminal INTEGER NOT NULL, accepted_us INTEGER NOT NULL, attempts INTEGER NOT NULL,
  tries INTEGER NOT NULL, own_us INTEGER NOT NULL, due_us INTEGER NOT NULL, marks INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, lane INTEGER NOT NULL, lane_sequence INTEGER NOT NULL,
  accepted_us INTEGER NOT NULL, flags INTEGER NOT NULL, coalesced INTEGER NOT NULL,
  replays INTEGER NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
  time_us INTEGER NOT NULL, method TEXT NOT NULL, node_id TEXT NOT NULL, app_key TEXT NOT NULL,
  session_id TEXT NOT NULL, media_session_id TEXT NOT NULL, name TEXT NOT NULL,
  status TEXT NOT NULL, json TEXT NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS settled (seq INTEGER PRIMARY KEY, route TEXT NOT NULL, lane_key TEXT NOT NULL,
  bytes INTEGER NOT NULL, dead INTEGER NOT NULL, at_us INTEGER NOT NULL, attempts INTEGER NOT NULL,
  http_status INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS settled_by_kind ON settled (dead, seq);
CREATE TABLE IF NOT EXISTS publisher (epoch INTEGER PRIMARY KEY, through INTEGER NOT NULL, node_id TEXT NOT NULL,
  state INTEGER NOT NULL, last_seen_us INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, epoch INTEGER NOT NULL, app_key TEXT NOT NULL,
  config TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS live (source TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL,
  lost INTEGER NOT NULL, PRIMARY KEY (source, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS endpoint (route TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL,
  author TEXT NOT NULL, since_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)sql";

// Asked for at each opening: the first files of this schema came without it.
constexpr char kAlertTable[] = R"sql(
CREATE TABLE IF NOT EXISTS alert (name TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL,
  critical INTEGER NOT NULL, since_us INTEGER NOT NULL, PRIMARY KEY (name, subject)) WITHOUT ROWID;
)sql";

// After a repair, which sets the application's number and no version of the schema, and after
// kGivePlaces: what lost its lane is a dead letter.
constexpr char kTakeRepaired[] = R"sql(
DELETE FROM queue WHERE seq IN (SELECT seq FROM settled);
INSERT INTO settled SELECT seq, '', '', bytes, 1, accepted_us, attempts, 0,
  'its lane was lost in a repair' FROM queue WHERE lane NOT IN (SELECT id FROM lane);
DELETE FROM queue WHERE seq IN (SELECT seq FROM settled);
DELETE FROM about WHERE key='closed';
)sql";

absl::Status Errno(const std::string& what) {
  const int error = errno;
  const absl::Status status = absl::ErrnoToStatus(error, what);
  if (error != EISDIR) return status;
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(), ": move it away, or give spool.path a folder of its own"));
}

// SQLite gives its side files the mode of this one. Closed before SQLite opens the file: closing
// any descriptor of a file lets go of all POSIX locks that the process has on it.
absl::Status MakePrivate(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  absl::Status status;
  if (file < 0 || fchmod(file, 0600) != 0) status = Errno("spool.path: " + path);
  if (file >= 0) close(file);
  return status;
}

// Negative where there is no such file.
off_t SizeOf(const std::string& path) {
  struct stat file;
  return stat(path.c_str(), &file) == 0 ? file.st_size : -1;
}

std::string Version() { return TALLYBUS_VERSION; }

}  // namespace

SpoolFile::Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<SpoolFile> SpoolFile::Open(const SqliteSpoolOptions& options) {
  SpoolFile file;
  file.directory_ = options.directory;
  std::error_code error;
  const bool made = std::filesystem::create_directories(file.directory_, error);
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat("spool.path: ", file.directory_, " cannot be made: ", error.message()));
  }
  if (made && chmod(file.directory_.c_str(), 0700) != 0) return Errno(file.directory_);
  absl::Status status = file.Lock();
  if (!status.ok()) return status;
  const std::string path = file.directory_ + "/spool.db";
  if (status = file.CheckTruncated(path); !status.ok()) return status;
  if (status = MakePrivate(path); !status.ok()) return status;
  auto db = SqliteDb::Open(path, options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (!db.ok()) return db.status();
  file.db_ = *std::move(db);
  status = file.Configure(options.sync);
  if (status.ok()) status = file.MakeSchema();
  if (status.ok()) status = file.ReadClosed();
  if (!status.ok()) return file.Mend(status);
  if (status = file.NoteUsed(); !status.ok()) return status;
  return file;
}

absl::StatusOr<SpoolFile> SpoolFile::OpenToRead(const std::string& directory) {
  SpoolFile file;
  file.directory_ = directory;
  const std::string path = directory + "/spool.db";
  absl::Status status = file.CheckTruncated(path);
  if (!status.ok()) return status;
  if (SizeOf(path) <= 0) return absl::NotFoundError(path);
  auto db = SqliteDb::OpenToRead(path);
  if (!db.ok()) return db.status();
  file.db_ = *std::move(db);
  status = file.Pragma("cell_size_check", "1", "1");
  if (status.ok()) status = file.Pragma("trusted_schema", "0", "0");
  if (!status.ok()) return file.Mend(status);
  absl::StatusOr<bool> has_schema = file.HasSchema();
  if (!has_schema.ok()) return file.Mend(has_schema.status());
  absl::StatusOr<std::string> alerts =
      file.db_.Ask("SELECT count(*) FROM sqlite_schema WHERE name='alert'");
  if (!alerts.ok()) return file.Mend(alerts.status());
  if (!*has_schema || *alerts == "0") return absl::NotFoundError(path);
  return file;
}

// To SQLite an empty file is a new one, whatever it held, and its log is deleted.
absl::Status SpoolFile::CheckTruncated(const std::string& path) const {
  if (SizeOf(path) != 0) return absl::OkStatus();
  const bool used = SizeOf(directory_ + "/spool.lock") > 0 || SizeOf(path + "-wal") > 0 ||
                    SizeOf(directory_ + "/spool.reserve") > 0;
  if (!used) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "spool.path: ", path, " is empty, and it was not: something has truncated it. If there is a ",
      "copy, put it back. To set it aside and start empty: mv ", directory_, " ", directory_,
      ".damaged"));
}

absl::Status SpoolFile::NoteUsed() {
  constexpr char kUsed = '\n';
  if (pwrite(lock_.get(), &kUsed, 1, 0) == 1) return absl::OkStatus();
  return errno == ENOSPC ? absl::OkStatus() : Errno("spool.path: " + directory_ + "/spool.lock");
}

absl::Status SpoolFile::Lock() {
  const std::string path = directory_ + "/spool.lock";
  lock_ = Descriptor(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock_.get() < 0) return Errno("spool.path: " + path);
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  if (errno != EWOULDBLOCK) return Errno("spool.path: " + path);
  return absl::FailedPreconditionError(
      absl::StrCat("spool.path: ", directory_,
                   " is in use by another process (it holds spool.lock there): stop that one, or "
                   "give this one a spool.path of its own"));
}

absl::Status SpoolFile::Pragma(const std::string& name, const std::string& value,
                               const std::string& read) {
  absl::StatusOr<std::string> set = db_.Ask(absl::StrCat("PRAGMA ", name, "=", value));
  if (!set.ok()) return set.status();
  absl::StatusOr<std::string> now = db_.Ask(absl::StrCat("PRAGMA ", name));
  if (!now.ok()) return now.status();
  if (*now == read) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("spool.path: SQLite keeps ", name, " at ", *now,
                                                    ", and ", read, " is needed for the spool"));
}

// In this order: the lock before the first look at the log, page size and auto_vacuum before the
// first page.
absl::Status SpoolFile::Configure(SpoolSync sync) {
  absl::Status status = Pragma("locking_mode", "EXCLUSIVE", "exclusive");
  if (status.ok()) status = db_.Execute("PRAGMA page_size=16384");
  if (status.ok()) status = GiveNewFilePageMap();
  if (status.ok()) status = Pragma("journal_mode", "WAL", "wal");
  if (status.ok()) status = SyncCommits(sync == SpoolSync::kCommit);
  if (status.ok() && sync == SpoolSync::kOff) status = Pragma("synchronous", "OFF", "0");
  if (status.ok()) status = Pragma("cache_size", "-8192", "-8192");
  if (status.ok()) status = Pragma("wal_autocheckpoint", "1200", "1200");
  if (status.ok()) status = Pragma("journal_size_limit", "67108864", "67108864");
  if (status.ok()) status = Pragma("secure_delete", "OFF", "0");
  if (status.ok()) status = Pragma("cell_size_check", "1", "1");
  if (status.ok()) status = Pragma("trusted_schema", "0", "0");
  return status;
}

// Of an older one it would be a write at each opening, or nothing at all.
absl::Status SpoolFile::GiveNewFilePageMap() {
  absl::StatusOr<std::string> pages = db_.Ask("PRAGMA page_count");
  if (!pages.ok()) return pages.status();
  return *pages == "0" ? Pragma("auto_vacuum", "INCREMENTAL", "2") : absl::OkStatus();
}

absl::Status SpoolFile::SyncCommits(bool sync) {
  return sync ? Pragma("synchronous", "FULL", "2") : Pragma("synchronous", "NORMAL", "1");
}

absl::StatusOr<bool> SpoolFile::HasSchema() {
  absl::StatusOr<std::string> id = db_.Ask("PRAGMA application_id");
  if (!id.ok()) return id.status();
  absl::StatusOr<std::string> text = db_.Ask("PRAGMA user_version");
  if (!text.ok()) return text.status();
  absl::StatusOr<std::string> tables = db_.Ask("SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.status();
  int schema = 0;
  (void)absl::SimpleAtoi(*text, &schema);
  const bool ours = *id == std::to_string(kApplicationId);
  if (schema == 0 && (ours || (*id == "0" && *tables == "0"))) return false;
  if (!ours) {
    return absl::FailedPreconditionError(absl::StrCat(
        "spool.path: ", directory_,
        "/spool.db is an SQLite file of another program: ", "give tallybusd a folder of its own"));
  }
  absl::StatusOr<std::string> writer = db_.Ask("SELECT value FROM about WHERE key='writer'");
  if (!writer.ok()) return writer.status();
  if (schema != kSpoolSchema) {
    return absl::FailedPreconditionError(absl::StrCat(
        "spool.path: ", directory_, " was written by tallybusd ", *writer, " (schema ", schema,
        "), and this is ", Version(), " (schema ", kSpoolSchema, "): run that version again"));
  }
  return true;
}

absl::Status SpoolFile::MakeSchema() {
  absl::StatusOr<bool> has_schema = HasSchema();
  if (!has_schema.ok()) return has_schema.status();
  if (!*has_schema) return WriteSchema();
  return db_.Execute(absl::StrCat(kAlertTable, "UPDATE about SET value='", Version(),
                                  "' WHERE key='writer' AND value<>'", Version(), "'"));
}

absl::Status SpoolFile::WriteSchema() {
  return Transact(absl::StrCat(kTables, kAlertTable, kGivePlaces, kTakeRepaired,
                               "INSERT OR IGNORE INTO about VALUES ('writer','", Version(),
                               "');PRAGMA application_id=", kApplicationId,
                               ";PRAGMA user_version=", kSpoolSchema, ";"));
}

absl::Status SpoolFile::ReadClosed() {
  absl::StatusOr<std::string> closed = db_.Ask("SELECT value FROM about WHERE key='closed'");
  if (!closed.ok()) return closed.status();
  was_closed_ = *closed == "1";
  return absl::OkStatus();
}

absl::Status SpoolFile::MarkOpened() {
  const std::string arrived =
      was_closed_ ? ""
                  : absl::StrCat("INSERT OR REPLACE INTO about SELECT 'arrived_through', max(",
                                 kHighestNumber, ", coalesce((SELECT CAST(value AS INTEGER) ",
                                 "FROM about WHERE key='arrived_through'), 0));");
  return Transact(absl::StrCat(arrived, "INSERT OR REPLACE INTO about VALUES ('closed','0');"));
}

absl::Status SpoolFile::MarkClosed(bool closed) {
  return Transact(
      absl::StrCat("INSERT OR REPLACE INTO about VALUES ('closed','", closed ? "1" : "0", "');"));
}

absl::Status SpoolFile::Transact(const std::string& sql) {
  absl::Status status = db_.Execute(absl::StrCat("BEGIN;", sql, "COMMIT"));
  if (!status.ok() && sqlite3_get_autocommit(db_.handle()) == 0) {
    (void)db_.Execute("ROLLBACK").ok();
  }
  return status;
}

absl::Status SpoolFile::Checkpoint() {
  absl::StatusOr<std::string> busy = db_.Ask("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!busy.ok()) return busy.status();
  Descriptor folder(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || fsync(folder.get()) != 0) return Errno(directory_);
  return absl::OkStatus();
}

absl::Status SpoolFile::GiveRoomBack() {
  for (int piece = 0; piece < kPiecesAtOnce; ++piece) {
    absl::StatusOr<std::string> before = db_.Ask("PRAGMA freelist_count");
    if (!before.ok()) return before.status();
    if (*before == "0") return absl::OkStatus();
    absl::Status status =
        db_.Execute(absl::StrCat("PRAGMA incremental_vacuum(", kPagesAPiece, ")"));
    if (status.ok()) status = Checkpoint();
    if (!status.ok()) return status;
    absl::StatusOr<std::string> after = db_.Ask("PRAGMA freelist_count");
    if (!after.ok()) return after.status();
    if (*after == *before) return absl::OkStatus();  // made without auto_vacuum
  }
  return absl::OkStatus();
}

bool SpoolFile::HasReserve() const {
  return SizeOf(directory_ + "/spool.reserve") >= kReserveBytes;
}

absl::Status SpoolFile::TakeReserve(int64_t margin) {
  const int64_t wanted = kReserveBytes + margin;
  const std::string path = directory_ + "/spool.reserve";
  const int64_t had = SizeOf(path);
  if (had == wanted) return absl::OkStatus();
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) return Errno(path);
  if (had > wanted) return ftruncate(file.get(), wanted) == 0 ? absl::OkStatus() : Errno(path);
  const int error = posix_fallocate(file.get(), 0, wanted);
  if (error == 0) return absl::OkStatus();
  if (had < kReserveBytes || ftruncate(file.get(), kReserveBytes) != 0) GiveUpReserve();
  return absl::ErrnoToStatus(error, path);
}

void SpoolFile::GiveUpReserve() { unlink((directory_ + "/spool.reserve").c_str()); }

// By .dump: Debian's sqlite3 is built without what .recover needs. A dump that met damage ends in a
// ROLLBACK, and has a row twice where it came to the damage from both sides. Of a file without its
// header nothing can be read, and a dump would repeat definitions that do not fit.
absl::Status SpoolFile::Mend(const absl::Status& status) const {
  if (absl::IsResourceExhausted(status)) {
    return absl::ResourceExhaustedError(absl::StrCat("spool.path: the disk of ", directory_,
                                                     " is full: make room there (",
                                                     status.message(), ")"));
  }
  // A statement of ours that does not fit the tables: it is their definition that was hit.
  const bool misfit = absl::StrContains(status.message(), sqlite3_errstr(SQLITE_ERROR));
  if (!absl::IsDataLoss(status) && !misfit) return status;
  const std::string path = directory_ + "/spool.db";
  const bool readable =
      !misfit && !absl::StrContains(status.message(), sqlite3_errstr(SQLITE_NOTADB));
  const std::string repair = absl::StrCat(
      ". To repair it: sqlite3 ", path,
      " .dump | sed -e 's/^ROLLBACK.*/COMMIT;/' -e 's/^INSERT INTO/INSERT OR IGNORE INTO/' | "
      "sqlite3 -cmd 'PRAGMA page_size=16384' -cmd 'PRAGMA auto_vacuum=2' -cmd 'PRAGMA "
      "application_id=",
      kApplicationId, "' ", path, ".new && mv ", path, " ", path, ".damaged && rm -f ", path,
      "-wal ", path, "-shm && mv ", path, ".new ", path);
  return absl::DataLossError(absl::StrCat(
      "spool.path: ", path, " is damaged: ", status.message(), readable ? repair : "",
      ". To set it aside and start empty: mv ", directory_, " ", directory_, ".damaged"));
}

}  // namespace tallybus
