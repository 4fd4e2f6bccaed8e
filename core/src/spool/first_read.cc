// What a start reads: all but the bodies. A bit that flipped on the disk must not lead a row
// astray.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "spool/row_columns.h"
#include "spool/spool_tables.h"

namespace tallybus {
namespace {

constexpr char kArrivedThrough[] =
    "SELECT CAST(value AS INTEGER) FROM about WHERE key='arrived_through'";
constexpr size_t kHealedATurn = 1000;

// All but bodies: a start takes no longer for those, and one that is not found is a dead letter.
constexpr const char* kChecked[] = {"lane", "queue", "settled",  "publisher", "session",
                                    "live", "alert", "endpoint", "about"};

}  // namespace

absl::StatusOr<SpoolTables::Sizes> SpoolTables::ReadAll(bool unclean, SpoolReader& reader) {
  Sizes sizes;
  absl::Status status = CheckPages();
  if (status.ok()) status = ReadLanes(reader);
  if (status.ok()) status = ReadQueue(unclean, reader, &sizes.waiting);
  if (status.ok()) status = ReadEngines(reader);
  if (status.ok()) status = ReadAlerts(reader);
  if (!status.ok()) return status;
  status = Each("SELECT route, state, reason, author, since_us FROM endpoint",
                [&](SqliteStatement& row) {
                  EndpointRecord endpoint;
                  endpoint.route = row.Text();
                  endpoint.state = row.Text();
                  endpoint.reason = row.Text();
                  endpoint.author = row.Text();
                  endpoint.since = TimeOfColumn(row.Int());
                  reader.Take(std::move(endpoint));
                });
  if (!status.ok()) return status;
  status = Each("SELECT dead, sum(bytes) FROM settled GROUP BY dead", [&](SqliteStatement& row) {
    const bool dead = row.Int() != 0;
    (dead ? sizes.dead : sizes.delivered) = row.Uint();
  });
  if (!status.ok()) return status;
  return sizes;
}

// A bit in a page's own numbers hides rows or puts them out of order: one that is looked up is not
// found then, or room in use is taken for free.
absl::Status SpoolTables::CheckPages() {
  for (const char* table : kChecked) {
    absl::StatusOr<std::string> said = db_->Ask(absl::StrCat("PRAGMA quick_check(", table, ")"));
    if (!said.ok()) return said.status();
    if (*said == "ok") continue;
    return absl::DataLossError(
        absl::StrCat("spool: ", table, ": ", absl::StrReplaceAll(*said, {{"\n", " "}})));
  }
  return absl::OkStatus();
}

// One that is damaged has no place that could be believed: it is gone, and its rows are strays.
absl::Status SpoolTables::ReadLanes(SpoolReader& reader) {
  std::vector<LaneId> damaged;
  absl::Status status = Each("SELECT id, route, key, last_sequence, ended FROM lane ORDER BY id",
                             [&](SqliteStatement& columns) {
                               LaneRecord lane;
                               lane.id = columns.Uint();
                               lane.route = columns.Text();
                               lane.key = columns.Text();
                               lane.last_sequence = columns.Uint();
                               if (!TakeEnded(columns.Int(), &lane)) {
                                 damaged.push_back(lane.id);
                               } else {
                                 reader.Take(std::move(lane));
                               }
                             });
  for (LaneId lane : damaged) {
    if (status.ok()) status = sql_[kForgetLane].Bind(lane).Run();
  }
  return status;
}

// A million rows are read before the first is accepted: of those that were never tried, which are
// nearly all, no more than is needed. What is damaged is mended, and all is read again from there.
absl::Status SpoolTables::ReadQueue(bool unclean, SpoolReader& reader, size_t* bytes) {
  SpoolSeq last = 0;
  SpoolSeq arrived_through = 0;
  absl::Status status = Each(absl::StrCat("SELECT ", kHighestNumber),
                             [&](SqliteStatement& row) { last = row.Uint(); });
  if (!status.ok()) return status;
  status = Each(kArrivedThrough, [&](SqliteStatement& row) { arrived_through = row.Uint(); });
  if (!status.ok()) return status;
  last = std::max(last, arrived_through);
  if (unclean) arrived_through = last;
  reader.TakeLast(last);
  SpoolSeq given = 0;
  const auto give = [&](WaitingRow row) {
    if (row.seq <= given) return;  // before what was mended
    given = row.seq;
    row.progress.may_have_arrived |= row.seq <= arrived_through;
    *bytes += row.bytes;
    reader.Take(row);
  };
  SpoolSeq healed = 0;
  for (std::vector<WaitingRow> damaged;; damaged.clear()) {
    status = ScanQueue(give, &damaged);
    if (!status.ok() || damaged.empty()) return status;
    if (damaged.front().seq <= healed) {
      return absl::DataLossError("spool: a row stays damaged that was written again");
    }
    healed = damaged.back().seq;
    if (status = Heal(damaged); !status.ok()) return status;
  }
}

// Gives what lies before the first damaged row, and looks for a turn's worth of others.
absl::Status SpoolTables::ScanQueue(const std::function<void(WaitingRow)>& give,
                                    std::vector<WaitingRow>* damaged) {
  absl::Status read;
  absl::Status status =
      Each("SELECT seq, lane, bytes, terminal, accepted_us, marks FROM queue ORDER BY seq",
           [&](SqliteStatement& columns) {
             WaitingRow row;
             bool fits = false;
             read = ReadWaiting(columns, &row, &fits);
             if (!fits) damaged->push_back(row);
             if (read.ok() && damaged->empty()) give(row);
             return read.ok() && damaged->size() < kHealedATurn;
           });
  return status.ok() ? read : status;
}

absl::Status SpoolTables::ReadWaiting(SqliteStatement& columns, WaitingRow* row, bool* fits) {
  row->seq = row->progress.seq = columns.Uint();
  row->lane = columns.Uint();
  row->bytes = static_cast<uint32_t>(columns.Uint());
  TakeKind(columns.Int(), row);
  row->accepted = TimeOfColumn(columns.Int());
  const int64_t marks = columns.Int();
  absl::Status status = WasTried(marks) ? ReadProgress(&row->progress) : absl::OkStatus();
  *fits = TakeMarks(marks, row);
  return status;
}

// All that a waiting row says is said by its body too, which has a checksum, but for its progress:
// it is tried as from the first, and may have arrived. Without a body it keeps its place, to become
// a dead letter there; its number may have been another's, whose body waits for a place then.
absl::Status SpoolTables::Heal(const std::vector<WaitingRow>& damaged) {
  absl::Status status = Begin();
  bool strays = false;
  for (const WaitingRow& row : damaged) {
    if (!status.ok()) break;
    absl::StatusOr<SpoolRowPtr> body = Load(row.seq);
    if (!body.ok() && !absl::IsDataLoss(body.status())) status = body.status();
    WaitingRow mended;
    if (body.ok() && *body != nullptr) {
      mended = WaitingOf(**body);
    } else {
      strays = true;
      mended.seq = mended.progress.seq = row.seq;
      mended.lane = row.lane;
      mended.accepted = row.accepted;
    }
    mended.progress.may_have_arrived = true;
    if (status.ok()) status = WriteWaiting(mended);
  }
  if (status.ok() && strays) status = db_->Execute(kGivePlaces);
  if (status.ok()) status = Commit();
  if (!status.ok()) Rollback();
  return status;
}

absl::Status SpoolTables::ReadProgress(Progress* progress) {
  SqliteStatement& columns = sql_[kReadProgress].Bind(progress->seq);
  absl::StatusOr<bool> found = columns.Next();
  if (!found.ok()) return found.status();
  progress->attempts = static_cast<int>(columns.Int());
  progress->tries = static_cast<int>(columns.Int());
  progress->own_time = absl::Microseconds(columns.Int());
  progress->due = TimeOfColumn(columns.Int());
  columns.Reset();
  return absl::OkStatus();
}

absl::Status SpoolTables::ReadEngines(SpoolReader& reader) {
  absl::Status status = Each("SELECT epoch, through, node_id, state, last_seen_us FROM publisher",
                             [&](SqliteStatement& row) {
                               PublisherRecord publisher;
                               publisher.epoch = row.Uint();
                               publisher.through = row.Uint();
                               publisher.node_id = row.Text();
                               publisher.state = static_cast<PublisherRecord::State>(row.Int());
                               publisher.last_seen = TimeOfColumn(row.Int());
                               reader.Take(std::move(publisher));
                             });
  if (!status.ok()) return status;
  status = Each("SELECT id, epoch, app_key, config FROM session", [&](SqliteStatement& row) {
    SessionChange change;
    change.session_id = row.Text();
    change.epoch = row.Uint();
    change.app_key = row.Text();
    const std::string_view config = row.Text();
    if (!config.empty()) change.rest_client_config = std::string(config);
    reader.Take(std::move(change));
  });
  if (!status.ok()) return status;
  return Each("SELECT source, key, json, lost FROM live", [&](SqliteStatement& row) {
    LiveRecord live;
    live.source = row.Text();
    live.key = row.Text();
    live.json = row.Text();
    live.lost = row.Int() != 0;
    reader.Take(std::move(live));
  });
}

absl::Status SpoolTables::ReadAlerts(SpoolReader& reader) {
  return Each("SELECT name, subject, text, critical, since_us FROM alert",
              [&](SqliteStatement& row) {
                AlertRecord alert;
                alert.name = row.Text();
                alert.subject = row.Text();
                alert.text = row.Text();
                alert.critical = row.Int() != 0;
                alert.since = TimeOfColumn(row.Int());
                reader.Take(std::move(alert));
              });
}

}  // namespace tallybus
