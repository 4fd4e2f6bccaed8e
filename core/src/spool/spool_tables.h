// What a durable spool holds, as calls that read and change its tables.
#ifndef TALLYBUS_SPOOL_SPOOL_TABLES_H_
#define TALLYBUS_SPOOL_SPOOL_TABLES_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <array>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "spool/read_ahead.h"
#include "spool/spool_file.h"
#include "spool/sqlite_db.h"
#include "tallybus/spool.h"

namespace tallybus {

// One thread. Every change belongs between Begin and Commit; after an error only Rollback helps.
class SpoolTables {
 public:
  // `file` outlives the tables.
  static absl::StatusOr<SpoolTables> Open(SpoolFile& file);

  absl::Status Begin() { return sql_[kBegin].Run(); }
  absl::Status Commit() { return sql_[kCommit].Run(); }
  void Rollback();

  absl::Status Write(const SpoolBatch& batch);
  // Each one's row waits no more; it stays as a dead letter, or as delivered where `retain`. Those
  // of which there was something to settle are added to *done.
  using Settlements = std::vector<const Settlement*>;
  absl::Status Settle(std::span<const Settlement* const> settled, bool retain, Settlements* done);
  absl::Status Note(const Progress& progress);
  // nullptr: there is none. DATA_LOSS: it is damaged.
  absl::StatusOr<SpoolRowPtr> Load(SpoolSeq seq);
  // The sound ones of a range in their order, until they have so many bytes.
  absl::Status LoadRange(const SeqRange& range, size_t most_bytes, std::vector<SpoolRowPtr>* rows);
  absl::StatusOr<StoredPage> Find(const StoredFilter& filter);

  // Bytes of what waits, is dead, is kept as delivered.
  struct Sizes {
    size_t waiting = 0;
    size_t dead = 0;
    size_t delivered = 0;
  };
  // Reads everything but the bodies. DATA_LOSS: a table is not what it was.
  absl::Status CheckPages();
  // As CheckPages, and gives it. After an unclean end every waiting row may have arrived. A
  // waiting row that is damaged is written again from its body. DATA_LOSS: not what it was.
  absl::StatusOr<Sizes> ReadAll(bool unclean, SpoolReader& reader);

  struct Forgotten {
    size_t bytes = 0;   // that they had
    bool more = false;  // it was a turn's worth, and there may be others
  };
  // Forgets settled rows, the oldest first, at most a turn's worth of them: those from before
  // `before`, or as many as `bytes` hold.
  absl::Status Forget(bool dead, absl::Time before, size_t bytes, Forgotten* forgotten);

 private:
  enum Sql {
    kBegin,
    kCommit,
    kInsertEvent,
    kInsertQueue,
    kDeleteEvent,
    kDeleteQueue,
    kCountQueue,
    kDeleteEvents,
    kDeleteQueues,
    kDeleteSettled,
    kKeepSettled,
    kLoad,
    kLoadRange,
    kNote,
    kReadProgress,
    kWriteLane,
    kForgetLane,
    kWritePublisher,
    kForgetPublisher,
    kWriteSession,
    kForgetSession,
    kWriteLive,
    kForgetLive,
    kWriteEndpoint,
    kForgetEndpoint,
    kWriteAlert,
    kForgetAlert,
    kOldestSettled,
    kSqlCount,
  };
  static const char* const kSql[kSqlCount];

  absl::StatusOr<bool> Settle(const Settlement& settlement, bool retain);
  absl::Status Delete(std::span<const Settlement*> settled, Settlements* done);
  absl::StatusOr<bool> DeleteRun(SpoolSeq first, SpoolSeq last);
  absl::Status WriteRow(const SpoolRow& row);
  absl::Status WriteWaiting(const WaitingRow& row);
  absl::Status WriteLanes(const SpoolBatch& batch);
  absl::Status WriteState(const SpoolBatch& batch);
  absl::Status WriteSession(const SessionChange& change);
  absl::Status WriteLive(const LiveRecord& live);
  absl::Status WriteAlert(const AlertRecord& alert);
  absl::Status ReadLanes(SpoolReader& reader);
  absl::Status ReadQueue(bool unclean, SpoolReader& reader, size_t* bytes);
  absl::Status ScanQueue(const std::function<void(WaitingRow)>& give,
                         std::vector<WaitingRow>* damaged);
  absl::Status ReadWaiting(SqliteStatement& columns, WaitingRow* row, bool* fits);
  absl::Status ReadProgress(Progress* progress);
  absl::Status Heal(const std::vector<WaitingRow>& damaged);
  absl::Status ReadEngines(SpoolReader& reader);
  absl::Status ReadAlerts(SpoolReader& reader);
  // Runs `take` for each row of a query, until it returns false.
  template <typename Take>
  absl::Status Each(const std::string& query, Take take);
  SpoolRowPtr BodyOf(SpoolSeq seq);
  absl::Status FindIn(bool settled, const StoredFilter& filter, StoredPage* page);

  SqliteDb* db_ = nullptr;
  std::array<SqliteStatement, kSqlCount> sql_;
};

template <typename Take>
absl::Status SpoolTables::Each(const std::string& query, Take take) {
  absl::StatusOr<SqliteStatement> statement = db_->Prepare(query);
  if (!statement.ok()) return statement.status();
  for (;;) {
    absl::StatusOr<bool> row = statement->Next();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    if constexpr (std::is_void_v<decltype(take(*statement))>) {
      take(*statement);
    } else if (!take(*statement)) {
      return absl::OkStatus();
    }
  }
}

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_SPOOL_TABLES_H_
