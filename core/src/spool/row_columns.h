// A spool's row as the columns of the table `event`, and back.
#ifndef TALLYBUS_SPOOL_ROW_COLUMNS_H_
#define TALLYBUS_SPOOL_ROW_COLUMNS_H_

#include <absl/status/status.h>

#include "spool/sqlite_db.h"
#include "tallybus/spool.h"

namespace tallybus {

// The columns in the order of BindRow and ReadRow.
inline constexpr char kRowColumns[] =
    "seq, event.lane, lane_sequence, event.accepted_us, flags, coalesced, replays, epoch, "
    "sequence, "
    "time_us, method, node_id, app_key, session_id, media_session_id, name, status, json, checksum";

// The row must live until the statement has run.
void BindRow(const SpoolRow& row, SqliteStatement* statement);

// DATA_LOSS: the checksum does not fit what is there; *row has what can still be read.
absl::Status ReadRow(SqliteStatement* statement, SpoolRow* row);

// The column `marks` of the table `queue`: flags, above them a check of the row's place and one of
// its progress. A check of 0 was never written: by an older tallybusd, or by a repair.
inline constexpr int64_t kRowCheck = int64_t{0xfffffff} << 8;
int64_t MarksOf(const WaitingRow& row);     // of one that was never tried
int64_t MarksOf(const Progress& progress);  // without the check of the row's place
bool WasTried(int64_t marks);
// Of a row whose progress is read where it was tried. Sets its flags; false: it is damaged.
bool TakeMarks(int64_t marks, WaitingRow* row);
WaitingRow WaitingOf(const SpoolRow& row);
// Whether it is terminal, and whether an operator asked for it again: the column `terminal`.
int64_t KindColumn(const WaitingRow& row);
void TakeKind(int64_t column, WaitingRow* row);

// The column `ended` of the table `lane`: the flag, above it a check of the row.
int64_t EndedColumn(const LaneRecord& lane);
// Sets lane->ended; false: it is damaged.
bool TakeEnded(int64_t column, LaneRecord* lane);

// Microseconds since 1970, for columns; infinities at the ends.
int64_t ColumnTime(absl::Time time);
absl::Time TimeOfColumn(int64_t us);

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_ROW_COLUMNS_H_
