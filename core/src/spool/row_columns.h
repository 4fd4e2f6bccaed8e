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

// Microseconds since 1970, for columns; infinities at the ends.
int64_t ColumnTime(absl::Time time);
absl::Time TimeOfColumn(int64_t us);

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_ROW_COLUMNS_H_
