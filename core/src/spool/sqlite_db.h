// SQLite's connection and statements as values: closed when they go, errors as absl::Status.
#ifndef TALLYBUS_SPOOL_SQLITE_DB_H_
#define TALLYBUS_SPOOL_SQLITE_DB_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tallybus {

// Statuses: RESOURCE_EXHAUSTED no space; DATA_LOSS the file is damaged; FAILED_PRECONDITION locked
// by another process; PERMISSION_DENIED; UNAVAILABLE for all else, an I/O error above all.
absl::Status SqliteStatus(sqlite3* db, std::string_view doing);

// One thread at a time. Outlived by its database.
class SqliteStatement {
 public:
  SqliteStatement() = default;

  // Each binds the next parameter, from the first one after the last Step or Reset.
  SqliteStatement& Bind(int64_t value);
  SqliteStatement& Bind(uint64_t value) { return Bind(static_cast<int64_t>(value)); }
  SqliteStatement& Bind(int value) { return Bind(static_cast<int64_t>(value)); }
  SqliteStatement& Bind(uint32_t value) { return Bind(static_cast<int64_t>(value)); }
  SqliteStatement& Bind(std::string_view text);       // must live until Step has returned
  SqliteStatement& BindBlob(std::string_view bytes);  // as above

  // Runs to the end, for statements without rows, and makes ready for the next run.
  absl::Status Run();
  // True: a row is there to be read. False: none is left, and the statement is ready for another
  // run.
  absl::StatusOr<bool> Next();
  // Ends a reading before its last row.
  void Reset();

  // Each reads the next column of the row.
  int64_t Int() { return sqlite3_column_int64(statement_.get(), column_++); }
  uint64_t Uint() { return static_cast<uint64_t>(Int()); }
  std::string_view Text();

 private:
  friend class SqliteDb;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
  int column_ = 0;
};

class SqliteDb {
 public:
  // Opens or creates the file, 0600. `vfs`: nullptr for SQLite's own.
  static absl::StatusOr<SqliteDb> Open(const std::string& path, const char* vfs);
  // Of a file that is there and that no process writes: nothing is locked, made or written, the log
  // that a killed process left included.
  static absl::StatusOr<SqliteDb> OpenToRead(const std::string& path);

  absl::Status Execute(const std::string& sql);
  absl::StatusOr<SqliteStatement> Prepare(std::string_view sql);
  // The first column of the first row, as text; empty where there is no row.
  absl::StatusOr<std::string> Ask(const std::string& sql);
  // Rows that the last statement inserted, changed or deleted.
  int64_t Changes() const { return sqlite3_changes64(db_.get()); }
  sqlite3* handle() const { return db_.get(); }

 private:
  static absl::StatusOr<SqliteDb> Open(const std::string& path, int flags, const char* vfs);
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_SQLITE_DB_H_
