// How rows cease to wait: those that go for good in ranges, since most end in the order in which
// they came.
#include <algorithm>

#include "spool/row_columns.h"
#include "spool/spool_tables.h"

namespace tallybus {
namespace {

constexpr ptrdiff_t kShortestRun = 4;  // below it a range costs more than its rows

bool IsDelivered(const Settlement& settlement) {
  return settlement.outcome == Settlement::Outcome::kDelivered ||
         settlement.outcome == Settlement::Outcome::kFailed;
}

// Of a row that has been settled before.
bool IsOfSettled(const Settlement& settlement) {
  return settlement.outcome == Settlement::Outcome::kReplayed ||
         settlement.outcome == Settlement::Outcome::kDropped;
}

bool IsKept(const Settlement& settlement, bool retain) {
  return settlement.IsDeadLetter() || (retain && IsDelivered(settlement));
}

}  // namespace

absl::Status SpoolTables::Settle(std::span<const Settlement* const> settled, bool retain,
                                 Settlements* done) {
  absl::Status status;
  Settlements deleted;  // of which the order does not matter
  for (size_t i = 0; status.ok() && i < settled.size(); ++i) {
    const Settlement& settlement = *settled[i];
    if (!IsKept(settlement, retain) && !IsOfSettled(settlement)) {
      deleted.push_back(&settlement);
      continue;
    }
    status = Delete(deleted, done);
    deleted.clear();
    if (!status.ok()) break;
    absl::StatusOr<bool> changed = Settle(settlement, retain);
    status = changed.status();
    if (status.ok() && *changed) done->push_back(&settlement);
  }
  return status.ok() ? Delete(deleted, done) : status;
}

absl::Status SpoolTables::Delete(std::span<const Settlement*> settled, Settlements* done) {
  std::sort(settled.begin(), settled.end(),
            [](const Settlement* a, const Settlement* b) { return a->seq < b->seq; });
  for (auto first = settled.begin(); first != settled.end();) {
    auto end = first + 1;
    while (end != settled.end() && (*end)->seq == (*(end - 1))->seq + 1) ++end;
    bool whole = false;
    if (end - first >= kShortestRun) {
      absl::StatusOr<bool> deleted = DeleteRun((*first)->seq, (*(end - 1))->seq);
      if (!deleted.ok()) return deleted.status();
      whole = *deleted;
    }
    if (whole) done->insert(done->end(), first, end);
    for (; !whole && first != end; ++first) {
      absl::StatusOr<bool> changed = Settle(**first, false);
      if (!changed.ok()) return changed.status();
      if (*changed) done->push_back(*first);
    }
    first = end;
  }
  return absl::OkStatus();
}

// False: not all of them wait, and nothing is done.
absl::StatusOr<bool> SpoolTables::DeleteRun(SpoolSeq first, SpoolSeq last) {
  absl::StatusOr<bool> counted = sql_[kCountQueue].Bind(first).Bind(last).Next();
  if (!counted.ok()) return counted.status();
  const bool all = *counted && sql_[kCountQueue].Uint() == last - first + 1;
  sql_[kCountQueue].Reset();
  if (!all) return false;
  absl::Status status = sql_[kDeleteEvents].Bind(first).Bind(last).Run();
  if (status.ok()) status = sql_[kDeleteQueues].Bind(first).Bind(last).Run();
  if (!status.ok()) return status;
  return true;
}

absl::StatusOr<bool> SpoolTables::Settle(const Settlement& settlement, bool retain) {
  absl::Status status;
  if (IsKept(settlement, retain)) {
    status = sql_[kKeepSettled]
                 .Bind(settlement.seq)
                 .Bind(settlement.IsDeadLetter() ? 1 : 0)
                 .Bind(ColumnTime(settlement.at))
                 .Bind(settlement.attempts)
                 .Bind(settlement.http_status)
                 .Bind(settlement.reason)
                 .Run();
  } else {
    status = sql_[kDeleteEvent].Bind(settlement.seq).Run();
  }
  bool changed = false;
  if (status.ok() && IsOfSettled(settlement)) {
    status = sql_[kDeleteSettled].Bind(settlement.seq).Run();
    changed = db_->Changes() > 0;
  }
  if (status.ok()) status = sql_[kDeleteQueue].Bind(settlement.seq).Run();
  if (!status.ok()) return status;
  return changed || db_->Changes() > 0;
}

}  // namespace tallybus
