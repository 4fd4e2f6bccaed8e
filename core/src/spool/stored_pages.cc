// Pages of what is stored, as an operator sees them: two tables merged by number.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "spool/row_columns.h"
#include "spool/spool_tables.h"

namespace tallybus {
namespace {

constexpr int kLookedAtATurn = 500;
constexpr size_t kPageBytes = size_t{16} << 20;

}  // namespace

// Of a damaged one the number alone: no text of it is to be trusted, not even to be UTF-8.
SpoolRowPtr SpoolTables::BodyOf(SpoolSeq seq) {
  absl::StatusOr<SpoolRowPtr> body = Load(seq);
  if (body.ok() && *body != nullptr) return *std::move(body);
  auto damaged = std::make_shared<SpoolRow>();
  damaged->seq = seq;
  damaged->event = std::make_shared<Event>();
  return damaged;
}

absl::StatusOr<StoredPage> SpoolTables::Find(const StoredFilter& filter) {
  StoredPage page;
  absl::Status status;
  if (filter.waiting) status = FindIn(false, filter, &page);
  if (status.ok() && (filter.dead || filter.delivered)) status = FindIn(true, filter, &page);
  if (!status.ok()) return status;
  // Both lists come in order; of what lies beyond the end of one, the next page tells.
  std::sort(page.rows.begin(), page.rows.end(),
            [](const StoredRow& a, const StoredRow& b) { return a.row->seq < b.row->seq; });
  if (page.next != 0) {
    std::erase_if(page.rows, [&](const StoredRow& row) { return row.row->seq > page.next; });
  }
  if (page.rows.size() > filter.limit) {
    page.rows.resize(filter.limit);
    page.next = page.rows.back().row->seq;
  }
  return page;
}

// Bodies one by one: a damaged page must not hide the rows that lie elsewhere, nor its own.
absl::Status SpoolTables::FindIn(bool settled, const StoredFilter& filter, StoredPage* page) {
  const std::string from =
      settled ? "seq, route, lane_key, dead, at_us, attempts, http_status, reason FROM settled"
              : "seq, coalesce(l.route, ''), coalesce(l.key, ''), 2, q.due_us, q.attempts, 0, '' "
                "FROM queue q LEFT JOIN lane l ON l.id=q.lane";
  const std::string query = absl::StrCat("SELECT ", from, " WHERE seq>", filter.after,
                                         " ORDER BY seq LIMIT ", kLookedAtATurn);
  int looked_at = 0;
  SpoolSeq last = 0;
  size_t found = 0;
  size_t bytes = 0;
  bool full = false;
  absl::Status status = Each(query, [&](SqliteStatement& columns) {
    const SpoolSeq seq = columns.Uint();
    StoredRow stored;
    stored.route = columns.Text();
    stored.lane = columns.Text();
    const int64_t state = columns.Int();
    stored.state = state == 2   ? StoredRow::State::kWaiting
                   : state == 1 ? StoredRow::State::kDead
                                : StoredRow::State::kDelivered;
    stored.at = TimeOfColumn(columns.Int());
    stored.attempts = static_cast<int>(columns.Int());
    stored.http_status = static_cast<int>(columns.Int());
    stored.reason = columns.Text();
    stored.row = BodyOf(seq);
    last = seq;
    if (filter.Fits(stored)) {
      ++found;
      bytes += stored.row->Bytes();
      page->rows.push_back(std::move(stored));
    }
    full = ++looked_at == kLookedAtATurn || found >= filter.limit || bytes >= kPageBytes;
    return !full;
  });
  if (!status.ok() || !full) return status;
  page->next = page->next == 0 ? last : std::min(page->next, last);
  return status;
}

}  // namespace tallybus
