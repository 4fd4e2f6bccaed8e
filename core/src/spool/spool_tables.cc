// One prepared statement for each thing that is done to a table.
#include "spool/spool_tables.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "spool/row_columns.h"

namespace tallybus {
namespace {

constexpr int kForgottenATurn = 1000;

}  // namespace

const char* const SpoolTables::kSql[kSqlCount] = {
    "BEGIN IMMEDIATE",
    "COMMIT",
    "INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    "INSERT OR REPLACE INTO queue VALUES (?,?,?,?,?,0,0,0,?,?)",
    "DELETE FROM event WHERE seq=?",
    "DELETE FROM queue WHERE seq=?",
    "SELECT count(*) FROM queue WHERE seq BETWEEN ? AND ?",
    "DELETE FROM event WHERE seq BETWEEN ? AND ?",
    "DELETE FROM queue WHERE seq BETWEEN ? AND ?",
    "DELETE FROM settled WHERE seq=?",
    "INSERT OR REPLACE INTO settled SELECT q.seq, coalesce(l.route, ''), "
    "coalesce(l.key, ''), q.bytes, ?2, ?3, ?4, ?5, ?6 "
    "FROM queue q LEFT JOIN lane l ON l.id=q.lane WHERE q.seq=?1",
    " FROM event WHERE seq=?",  // after the row's columns, as the next
    " FROM event WHERE seq>? AND seq<=? ORDER BY seq",
    "UPDATE queue SET attempts=?2, tries=?3, own_us=?4, due_us=?5, marks=(marks & ?7) | ?6 WHERE "
    "seq=?1",
    "SELECT attempts, tries, own_us, due_us FROM queue WHERE seq=?",
    "INSERT INTO lane VALUES (?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET "
    "last_sequence=excluded.last_sequence, ended=excluded.ended",
    "DELETE FROM lane WHERE id=?",
    "INSERT INTO publisher VALUES (?,?,?,?,?) ON CONFLICT(epoch) DO UPDATE SET "
    "through=max(through, excluded.through), node_id=excluded.node_id, state=excluded.state, "
    "last_seen_us=excluded.last_seen_us",
    "DELETE FROM publisher WHERE epoch=?",
    "INSERT OR REPLACE INTO session VALUES (?,?,?,?)",
    "DELETE FROM session WHERE id=?",
    "INSERT OR REPLACE INTO live VALUES (?,?,?,?)",
    "DELETE FROM live WHERE source=? AND key=?",
    "INSERT OR REPLACE INTO endpoint VALUES (?,?,?,?,?)",
    "DELETE FROM endpoint WHERE route=?",
    "INSERT OR REPLACE INTO alert VALUES (?,?,?,?,?)",
    "DELETE FROM alert WHERE name=? AND subject=?",
    "SELECT seq, bytes, at_us FROM settled WHERE dead=? ORDER BY seq LIMIT ?",
};

absl::StatusOr<SpoolTables> SpoolTables::Open(SpoolFile& file) {
  SpoolTables tables;
  tables.db_ = &file.db();
  for (int i = 0; i < kSqlCount; ++i) {
    const std::string columns =
        i == kLoad || i == kLoadRange ? absl::StrCat("SELECT ", kRowColumns) : "";
    auto statement = tables.db_->Prepare(columns + kSql[i]);
    if (!statement.ok()) return file.Mend(statement.status());
    tables.sql_[i] = *std::move(statement);
  }
  return tables;
}

// SQLite may have rolled back by itself.
void SpoolTables::Rollback() {
  if (sqlite3_get_autocommit(db_->handle()) == 0) (void)db_->Execute("ROLLBACK").ok();
}

absl::Status SpoolTables::Write(const SpoolBatch& batch) {
  absl::Status status = WriteLanes(batch);
  for (const SpoolRowPtr& row : batch.rows) {
    if (!status.ok()) return status;
    status = WriteRow(*row);
  }
  for (const DeadRow& letter : batch.dead) {
    if (status.ok()) status = WriteRow(*letter.row);
    if (status.ok()) status = Settle(letter.settlement, false).status();
  }
  if (status.ok()) status = WriteState(batch);
  return status;
}

absl::Status SpoolTables::WriteRow(const SpoolRow& row) {
  BindRow(row, &sql_[kInsertEvent]);
  absl::Status status = sql_[kInsertEvent].Run();
  if (!status.ok()) return status;
  return WriteWaiting(WaitingOf(row));
}

// As one that was never tried.
absl::Status SpoolTables::WriteWaiting(const WaitingRow& row) {
  return sql_[kInsertQueue]
      .Bind(row.seq)
      .Bind(row.lane)
      .Bind(row.bytes)
      .Bind(KindColumn(row))
      .Bind(ColumnTime(row.accepted))
      .Bind(ColumnTime(absl::InfinitePast()))
      .Bind(MarksOf(row))
      .Run();
}

absl::Status SpoolTables::WriteLanes(const SpoolBatch& batch) {
  for (const LaneRecord& lane : batch.lanes) {
    absl::Status status = sql_[kWriteLane]
                              .Bind(lane.id)
                              .Bind(lane.route)
                              .Bind(lane.key)
                              .Bind(lane.last_sequence)
                              .Bind(EndedColumn(lane))
                              .Run();
    if (!status.ok()) return status;
  }
  for (LaneId lane : batch.forgotten_lanes) {
    absl::Status status = sql_[kForgetLane].Bind(lane).Run();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SpoolTables::WriteState(const SpoolBatch& batch) {
  absl::Status status;
  for (const PublisherRecord& publisher : batch.publishers) {
    const bool forget = publisher.state == PublisherRecord::State::kForgotten;
    status = forget ? sql_[kForgetPublisher].Bind(publisher.epoch).Run()
                    : sql_[kWritePublisher]
                          .Bind(publisher.epoch)
                          .Bind(publisher.through)
                          .Bind(publisher.node_id)
                          .Bind(static_cast<int>(publisher.state))
                          .Bind(ColumnTime(publisher.last_seen))
                          .Run();
    if (!status.ok()) return status;
  }
  for (const SessionChange& change : batch.sessions) {
    if (status = WriteSession(change); !status.ok()) return status;
  }
  for (const LiveRecord& live : batch.live) {
    if (status = WriteLive(live); !status.ok()) return status;
  }
  for (const AlertRecord& alert : batch.alerts) {
    if (status = WriteAlert(alert); !status.ok()) return status;
  }
  for (const EndpointRecord& endpoint : batch.endpoints) {
    status = endpoint.state.empty() ? sql_[kForgetEndpoint].Bind(endpoint.route).Run()
                                    : sql_[kWriteEndpoint]
                                          .Bind(endpoint.route)
                                          .Bind(endpoint.state)
                                          .Bind(endpoint.reason)
                                          .Bind(endpoint.author)
                                          .Bind(ColumnTime(endpoint.since))
                                          .Run();
    if (!status.ok()) return status;
  }
  return status;
}

absl::Status SpoolTables::WriteSession(const SessionChange& change) {
  if (change.action == SessionChange::Action::kClose) {
    return sql_[kForgetSession].Bind(change.session_id).Run();
  }
  return sql_[kWriteSession]
      .Bind(change.session_id)
      .Bind(change.epoch)
      .Bind(change.app_key)
      .Bind(change.rest_client_config ? *change.rest_client_config : std::string_view())
      .Run();
}

absl::Status SpoolTables::WriteLive(const LiveRecord& live) {
  if (live.json.empty()) return sql_[kForgetLive].Bind(live.source).Bind(live.key).Run();
  return sql_[kWriteLive]
      .Bind(live.source)
      .Bind(live.key)
      .Bind(live.json)
      .Bind(live.lost ? 1 : 0)
      .Run();
}

absl::Status SpoolTables::WriteAlert(const AlertRecord& alert) {
  if (!alert.on) return sql_[kForgetAlert].Bind(alert.name).Bind(alert.subject).Run();
  return sql_[kWriteAlert]
      .Bind(alert.name)
      .Bind(alert.subject)
      .Bind(alert.text)
      .Bind(alert.critical ? 1 : 0)
      .Bind(ColumnTime(alert.since))
      .Run();
}

absl::Status SpoolTables::Note(const Progress& progress) {
  return sql_[kNote]
      .Bind(progress.seq)
      .Bind(progress.attempts)
      .Bind(progress.tries)
      .Bind(absl::ToInt64Microseconds(progress.own_time))
      .Bind(ColumnTime(progress.due))
      .Bind(MarksOf(progress))
      .Bind(kRowCheck)
      .Run();
}

absl::StatusOr<SpoolRowPtr> SpoolTables::Load(SpoolSeq seq) {
  absl::StatusOr<bool> found = sql_[kLoad].Bind(seq).Next();
  if (!found.ok()) return found.status();
  if (!*found) return SpoolRowPtr();
  auto row = std::make_shared<SpoolRow>();
  absl::Status status = ReadRow(&sql_[kLoad], row.get());
  sql_[kLoad].Reset();
  if (!status.ok()) return status;
  return row;
}

absl::Status SpoolTables::LoadRange(const SeqRange& range, size_t most_bytes,
                                    std::vector<SpoolRowPtr>* rows) {
  SqliteStatement& select = sql_[kLoadRange].Bind(range.after).Bind(range.through);
  for (size_t bytes = 0; bytes < most_bytes;) {
    absl::StatusOr<bool> found = select.Next();
    if (!found.ok() || !*found) return found.status();
    auto row = std::make_shared<SpoolRow>();
    if (!ReadRow(&select, row.get()).ok()) continue;
    bytes += row->Bytes();
    rows->push_back(std::move(row));
  }
  select.Reset();
  return absl::OkStatus();
}

absl::Status SpoolTables::Forget(bool dead, absl::Time before, size_t bytes, Forgotten* forgotten) {
  std::vector<SpoolSeq> oldest;
  SqliteStatement& select = sql_[kOldestSettled].Bind(dead ? 1 : 0).Bind(kForgottenATurn);
  for (;;) {
    absl::StatusOr<bool> row = select.Next();
    if (!row.ok()) return row.status();
    if (!*row) break;
    const SpoolSeq seq = select.Uint();
    const size_t size = select.Uint();
    if (TimeOfColumn(select.Int()) >= before && forgotten->bytes >= bytes) {
      select.Reset();
      break;
    }
    oldest.push_back(seq);
    forgotten->bytes += size;
  }
  for (SpoolSeq seq : oldest) {
    absl::Status status = sql_[kDeleteSettled].Bind(seq).Run();
    if (status.ok()) status = sql_[kDeleteEvent].Bind(seq).Run();
    if (!status.ok()) return status;
  }
  forgotten->more = oldest.size() == kForgottenATurn;
  return absl::OkStatus();
}

}  // namespace tallybus
