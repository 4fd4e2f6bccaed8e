// Thin over sqlite3's C calls.
#include "spool/sqlite_db.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <filesystem>
#include <system_error>

namespace tallybus {
namespace {

absl::StatusCode CodeOf(int result) {
  switch (result & 0xff) {
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kFailedPrecondition;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return absl::StatusCode::kPermissionDenied;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status SqliteStatus(sqlite3* db, std::string_view doing) {
  const int result = sqlite3_extended_errcode(db);
  return absl::Status(CodeOf(result),
                      absl::StrCat(std::string(doing), ": ", sqlite3_errmsg(db), " (",
                                   sqlite3_errstr(result), ", ", result, ")"));
}

SqliteStatement& SqliteStatement::Bind(int64_t value) {
  sqlite3_bind_int64(statement_.get(), ++bound_, value);
  return *this;
}

SqliteStatement& SqliteStatement::Bind(std::string_view text) {
  sqlite3_bind_text64(statement_.get(), ++bound_, text.data() == nullptr ? "" : text.data(),
                      text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

SqliteStatement& SqliteStatement::BindBlob(std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), ++bound_, bytes.data() == nullptr ? "" : bytes.data(),
                      bytes.size(), SQLITE_STATIC);
  return *this;
}

absl::Status SqliteStatement::Run() {
  absl::StatusOr<bool> row = Next();
  Reset();
  return row.status();
}

absl::StatusOr<bool> SqliteStatement::Next() {
  column_ = 0;
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) {
    Reset();
    return false;
  }
  absl::Status status = SqliteStatus(sqlite3_db_handle(statement_.get()), "spool");
  Reset();
  return status;
}

void SqliteStatement::Reset() {
  sqlite3_reset(statement_.get());
  bound_ = 0;
}

std::string_view SqliteStatement::Text() {
  const auto* text = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column_));
  const int size = sqlite3_column_bytes(statement_.get(), column_++);
  return text == nullptr ? std::string_view() : std::string_view(text, static_cast<size_t>(size));
}

absl::StatusOr<SqliteDb> SqliteDb::Open(const std::string& path, const char* vfs) {
  return Open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs);
}

// Without a log SQLite makes one, unless it is told that nothing changes. With one it makes an
// index of it, unless it believes that it has the file for itself; and it brings it in at the end,
// unless told not to.
absl::StatusOr<SqliteDb> SqliteDb::OpenToRead(const std::string& path) {
  std::error_code error;
  const auto log = std::filesystem::file_size(path + "-wal", error);
  const bool has_log = !error && log > 0;
  auto db = Open(absl::StrCat("file:", path.starts_with('/') ? "//" : "",
                              absl::StrReplaceAll(path, {{"%", "%25"}, {"?", "%3f"}, {"#", "%23"}}),
                              has_log ? "" : "?immutable=1"),
                 SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, has_log ? "unix-none" : nullptr);
  if (!db.ok()) return db.status();
  sqlite3_db_config(db->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  absl::Status status = db->Execute("PRAGMA locking_mode=EXCLUSIVE");
  if (!status.ok()) return status;
  return db;
}

absl::StatusOr<SqliteDb> SqliteDb::Open(const std::string& path, int flags, const char* vfs) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, vfs);
  SqliteDb db;
  db.db_.reset(opened);
  if (opened == nullptr) return absl::ResourceExhaustedError("out of memory");
  if (result != SQLITE_OK) return SqliteStatus(opened, path);
  sqlite3_extended_result_codes(opened, 1);
  return db;
}

absl::Status SqliteDb::Execute(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
    return absl::OkStatus();
  }
  return SqliteStatus(db_.get(), "spool");
}

absl::StatusOr<SqliteStatement> SqliteDb::Prepare(std::string_view sql) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &prepared, nullptr) != SQLITE_OK) {
    return SqliteStatus(db_.get(), "spool");
  }
  SqliteStatement statement;
  statement.statement_.reset(prepared);
  return statement;
}

absl::StatusOr<std::string> SqliteDb::Ask(const std::string& sql) {
  absl::StatusOr<SqliteStatement> statement = Prepare(sql);
  if (!statement.ok()) return statement.status();
  absl::StatusOr<bool> row = statement->Next();
  if (!row.ok()) return row.status();
  return *row ? std::string(statement->Text()) : std::string();
}

}  // namespace tallybus
