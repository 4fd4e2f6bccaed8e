// One thread owns the connection. Loads come before the commit of the same turn: a lane's next
// event need not wait for the disk. What an operator looks for is looked for after it.
#include "spool/sqlite_spool.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "tallybus/fault_point.h"
#include "tallybus/thread.h"

namespace tallybus {
namespace {

constexpr size_t kRecentBytes = size_t{16} << 20;
// Of what is read ahead: in one reading, and what is not taken yet.
constexpr size_t kReadAheadBytes = size_t{1} << 20;
constexpr SpoolSeq kShortestRun = 4;  // below it a range costs more to read than its rows
constexpr size_t kReadAheadRows = 4 * ReadAhead::kMost;
constexpr std::chrono::milliseconds kSyncEvery{200};
constexpr std::chrono::seconds kIdle{30};
constexpr absl::Duration kPruneEvery = absl::Seconds(30);

}  // namespace

absl::StatusOr<std::unique_ptr<Spool>> OpenSqliteSpool(const SqliteSpoolOptions& options,
                                                       const Clock& clock) {
  absl::StatusOr<SpoolFile> file = SpoolFile::Open(options);
  if (!file.ok()) return file.status();
  return std::make_unique<SqliteSpool>(options, clock, *std::move(file));
}

SqliteSpool::SqliteSpool(SqliteSpoolOptions options, const Clock& clock, SpoolFile file)
    : options_(std::move(options)),
      clock_(clock),
      file_(std::move(file)),
      recent_(kRecentBytes),
      read_(kReadAheadRows, nullptr) {}

SqliteSpool::~SqliteSpool() { (void)Stop().ok(); }

absl::Status SqliteSpool::Start(SpoolEvents& events, SpoolReader& reader) {
  events_ = &events;
  absl::StatusOr<SpoolTables> tables = SpoolTables::Open(file_);
  if (!tables.ok()) return tables.status();
  tables_ = *std::move(tables);
  absl::StatusOr<SpoolTables::Sizes> sizes = tables_.ReadAll(!file_.was_closed(), reader);
  if (!sizes.ok()) return file_.Mend(sizes.status());
  waiting_bytes_ = sizes->waiting;
  dead_bytes_ = sizes->dead;
  delivered_bytes_ = sizes->delivered;
  absl::Status status = MarkOpened();
  // After an unclean end the file says already what a crash before the mark would need.
  const bool can_wait = absl::IsResourceExhausted(status) && !file_.was_closed();
  if (!status.ok() && !can_wait) return file_.Mend(status);
  if (status.ok()) status = file_.TakeReserve();
  if (!status.ok()) Fault(status);  // what waits can be delivered all the same
  writer_ = StartThread("tallybus-spool", [this] { Write(); });
  return absl::OkStatus();
}

void SqliteSpool::Append(SpoolBatch batch) {
  size_t bytes = 0;
  for (const SpoolRowPtr& row : batch.rows) {
    bytes += row->Bytes();
    recent_.Add(row);
  }
  for (const DeadRow& letter : batch.dead) {
    dead_bytes_.fetch_add(letter.row->Bytes(), std::memory_order_relaxed);
  }
  waiting_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  pending_bytes_.fetch_add(batch.Bytes(), std::memory_order_relaxed);
  inbox_.Append(std::move(batch));
}

void SqliteSpool::Settle(std::span<const Settlement> settled) {
  for (const Settlement& settlement : settled) recent_.Forget(settlement.seq);
  inbox_.Settle(settled);
}

void SqliteSpool::Note(std::span<const Progress> progress) { inbox_.Note(progress); }

void SqliteSpool::Load(std::span<const SpoolSeq> wanted) {
  std::vector<SpoolRowPtr> here;
  read_.Drain(&here);
  for (const SpoolRowPtr& row : here) recent_.AddAhead(row);
  here.clear();
  std::vector<SpoolSeq> elsewhere;
  for (SpoolSeq seq : wanted) {
    RecentRows::Found found = recent_.Find(seq);
    if (found.ahead) read_ahead_.Used();
    if (found.row == nullptr) {
      elsewhere.push_back(seq);
    } else {
      here.push_back(std::move(found.row));
    }
  }
  if (!here.empty()) events_->OnLoaded(std::move(here));
  const std::optional<SeqRange> ahead = read_ahead_.Next(elsewhere);
  if (!elsewhere.empty() || ahead) inbox_.Load(std::move(elsewhere), ahead);
}

void SqliteSpool::Find(const StoredFilter& filter, StoredCallback callback) {
  inbox_.Find(filter, std::move(callback));
}

absl::Status SqliteSpool::Stop() {
  if (!writer_.joinable()) return last_;
  inbox_.Stop();
  writer_.join();
  return last_;
}

size_t SqliteSpool::UsedBytes() const {
  return waiting_bytes_.load(std::memory_order_relaxed) +
         dead_bytes_.load(std::memory_order_relaxed) +
         delivered_bytes_.load(std::memory_order_relaxed);
}

void SqliteSpool::Write() {
  for (;;) {
    const std::chrono::milliseconds idle = prunes_on_  ? std::chrono::milliseconds(0)
                                           : unsynced_ ? kSyncEvery
                                                       : kIdle;
    const WriterInbox::Turn turn = inbox_.Take(Healthy(), idle, &work_);
    if (turn == WriterInbox::Turn::kStopped) break;
    ServeReads();
    if (turn == WriterInbox::Turn::kCommits) CommitWork();
    ServeAhead();
    ServeFinds();
    SyncInterval();
    Prune();
  }
  ServeReads();
  ServeFinds();
  work_.wanted.clear();
  if (!Healthy()) Recover();
  // The last chance needs no margin. The reserve is for the next start.
  if (marked_ && !work_.batches.empty() && file_.TakeReserve().ok()) {
    (void)TryCommit(true, kAll).ok();
  }
  last_ = Close();
}

absl::Status SqliteSpool::Close() {
  if (!work_.empty()) return absl::UnavailableError("the spool could not be written at the end");
  absl::Status status = MarkOpened();
  if (status.ok()) {
    status =
        WithReserve([this] { return file_.MarkClosed(!options_.offline || file_.was_closed()); });
  }
  if (status.ok()) status = file_.Checkpoint();
  (void)file_.TakeReserve().ok();
  return status;
}

// Of something small that must be written.
template <typename Change>
absl::Status SqliteSpool::WithReserve(Change write) {
  absl::Status status = write();
  if (absl::IsResourceExhausted(status)) {
    (void)file_.Checkpoint().ok();  // a log that begins anew needs less room
    status = write();
  }
  if (!absl::IsResourceExhausted(status)) return status;
  file_.GiveUpReserve();
  return write();
}

absl::Status SqliteSpool::MarkOpened() {
  if (marked_) return absl::OkStatus();
  absl::Status status = WithReserve([this] { return file_.MarkOpened(); });
  marked_ = status.ok();
  return status;
}

void SqliteSpool::ServeReads() {
  std::vector<SpoolSeq> wanted = std::exchange(work_.wanted, {});
  if (wanted.empty()) return;
  std::vector<SpoolRowPtr> rows;
  std::sort(wanted.begin(), wanted.end());
  for (size_t first = 0, end; first < wanted.size(); first = end) {
    for (end = first + 1; end < wanted.size() && wanted[end] == wanted[end - 1] + 1;) ++end;
    ServeRun({wanted[first] - 1, wanted[end - 1]}, &rows);
  }
  if (!rows.empty()) events_->OnLoaded(std::move(rows));
}

// All of them are asked for.
void SqliteSpool::ServeRun(const SeqRange& run, std::vector<SpoolRowPtr>* rows) {
  size_t next = rows->size();
  const bool is_long = run.through - run.after >= kShortestRun;
  // What is wrong with one of them is found below.
  if (is_long) (void)tables_.LoadRange(run, SIZE_MAX, rows).ok();
  for (SpoolSeq seq = run.after + 1; seq <= run.through; ++seq) {
    if (next < rows->size() && (*rows)[next]->seq == seq) {
      ++next;
      continue;
    }
    absl::StatusOr<SpoolRowPtr> row = tables_.Load(seq);
    if (row.ok() && *row != nullptr) {
      rows->insert(rows->begin() + static_cast<int64_t>(next++), *std::move(row));
      continue;
    }
    if (!row.ok() && !absl::IsDataLoss(row.status())) {  // not the row's fault: asked again
      if (Healthy()) Fault(row.status());
      work_.wanted.push_back(seq);
      continue;
    }
    // Its lane must not stand still for it.
    auto damaged = std::make_shared<SpoolRow>();
    damaged->seq = seq;
    rows->insert(rows->begin() + static_cast<int64_t>(next++), std::move(damaged));
  }
}

// An operator who has dropped or retried something and asks again must not find it unchanged.
void SqliteSpool::ServeFinds() {
  for (auto& [filter, callback] : std::exchange(work_.finds, {})) callback(tables_.Find(filter));
}

// After the commit: nobody waits for it. What cannot be read is found where it is asked for.
void SqliteSpool::ServeAhead() {
  if (work_.ahead.empty()) return;
  std::vector<SpoolRowPtr> rows;
  for (const SeqRange& range : std::exchange(work_.ahead, {})) {
    (void)tables_.LoadRange(range, kReadAheadBytes, &rows).ok();
  }
  // Where the router has not taken the last ones, it wants no more.
  (void)read_.PushAll(rows);
}

void SqliteSpool::CommitWork() {
  const bool verdicts = work_.HasVerdicts();
  if (!Healthy()) {
    if (clock_.Now() - tried_ >= absl::FromChrono(WriterInbox::kFaultEvery)) return Recover();
    if (verdicts) (void)TryCommit(false, kPiece).ok();
    return;
  }
  if (work_.batches.empty() && !verdicts) return;
  absl::Status status = TryCommit(true, kAll);
  if (absl::IsResourceExhausted(status)) {  // the room may be in the log
    status = EmptyLog();
    if (status.ok()) status = TryCommit(true, kAll);
  }
  if (!status.ok()) Fault(status);
}

// With the first `most` of the verdicts.
absl::Status SqliteSpool::TryCommit(bool with_batches, size_t most) {
  const size_t settled = std::min(most, work_.settled.size());
  const size_t noted = std::min(most, work_.progress.size());
  std::vector<const Settlement*> done;
  absl::Status status = tables_.Begin();
  TALLYBUS_FAULT_POINT("spool.begun");
  if (with_batches) {
    for (const SpoolBatch& batch : work_.batches) {
      if (status.ok()) status = tables_.Write(batch);
    }
    TALLYBUS_FAULT_POINT("spool.written");
  }
  if (status.ok()) status = WriteSettled(with_batches, settled, noted, &done);
  TALLYBUS_FAULT_POINT("spool.before_commit");
  if (status.ok()) status = tables_.Commit();
  TALLYBUS_FAULT_POINT("spool.committed");
  if (!status.ok()) {
    tables_.Rollback();
    return status;
  }
  unsynced_ = options_.sync == SpoolSync::kInterval;
  for (const Settlement* settlement : done) Count(*settlement);
  work_.settled.erase(work_.settled.begin(), work_.settled.begin() + static_cast<int64_t>(settled));
  work_.progress.erase(work_.progress.begin(),
                       work_.progress.begin() + static_cast<int64_t>(noted));
  if (!with_batches) return status;
  for (SpoolBatch& batch : std::exchange(work_.batches, {})) {
    pending_bytes_.fetch_sub(batch.Bytes(), std::memory_order_relaxed);
    events_->OnCommitted(std::move(batch));
  }
  TALLYBUS_FAULT_POINT("spool.told");
  return status;
}

// The first of each. `done`: those that changed something.
absl::Status SqliteSpool::WriteSettled(bool with_batches, size_t settled, size_t noted,
                                       std::vector<const Settlement*>* done) {
  absl::Status status;
  for (size_t i = 0; status.ok() && i < noted; ++i) status = tables_.Note(work_.progress[i]);
  std::vector<const Settlement*> all;
  for (size_t i = 0; i < settled; ++i) all.push_back(&work_.settled[i]);
  if (with_batches) {
    for (const SpoolBatch& batch : work_.batches) {
      for (const Settlement& settlement : batch.settled) all.push_back(&settlement);
    }
  }
  if (status.ok()) status = tables_.Settle(all, options_.retain > absl::ZeroDuration(), done);
  TALLYBUS_FAULT_POINT("spool.settled");
  return status;
}

void SqliteSpool::Count(const Settlement& settlement) {
  using Outcome = Settlement::Outcome;
  const bool of_settled =
      settlement.outcome == Outcome::kReplayed || settlement.outcome == Outcome::kDropped;
  std::atomic<size_t>& from = !of_settled                ? waiting_bytes_
                              : settlement.was_delivered ? delivered_bytes_
                                                         : dead_bytes_;
  const size_t held = from.load(std::memory_order_relaxed);
  from.fetch_sub(std::min<size_t>(held, settlement.bytes), std::memory_order_relaxed);
  if (settlement.IsDeadLetter()) {
    dead_bytes_.fetch_add(settlement.bytes, std::memory_order_relaxed);
  } else if (options_.retain > absl::ZeroDuration() && (settlement.outcome == Outcome::kDelivered ||
                                                        settlement.outcome == Outcome::kFailed)) {
    delivered_bytes_.fetch_add(settlement.bytes, std::memory_order_relaxed);
  }
}

void SqliteSpool::SyncInterval() {
  if (!Healthy() || !unsynced_) return;
  if (clock_.Now() - synced_ < absl::FromChrono(kSyncEvery)) return;
  absl::Status status = Sync();
  if (!status.ok()) Fault(status);
}

// By a commit that waits for the disk, where the mode has any.
absl::Status SqliteSpool::Sync() {
  synced_ = clock_.Now();
  const bool by_interval = options_.sync == SpoolSync::kInterval;
  absl::Status status = by_interval ? file_.SyncCommits(true) : absl::OkStatus();
  if (status.ok()) status = file_.MarkClosed(false);  // nothing new, but a write
  if (status.ok() && by_interval) status = file_.SyncCommits(false);
  if (status.ok()) unsynced_ = false;
  return status;
}

// Old dead letters and old deliveries; deliveries also where the spool fills.
void SqliteSpool::Prune() {
  const MonoTime now = clock_.Now();
  const size_t dead = dead_bytes_.load(std::memory_order_relaxed);
  const size_t delivered = delivered_bytes_.load(std::memory_order_relaxed);
  const size_t too_dead = dead - std::min(dead, options_.dead_letter_bytes);
  const size_t used = UsedBytes();
  const size_t too_full = std::min(delivered, used - std::min(used, options_.max_bytes / 2));
  const bool due = prunes_on_ || too_dead + too_full > 0 || now - pruned_ >= kPruneEvery;
  if (!Healthy() || options_.offline || !due) return;
  pruned_ = now;
  prunes_on_ = false;
  const absl::Time wall = clock_.WallNow();
  absl::Status status = tables_.Begin();
  SpoolTables::Forgotten dead_freed, delivered_freed;
  if (status.ok()) {
    status = tables_.Forget(true, wall - options_.dead_letter_age, too_dead, &dead_freed);
  }
  if (status.ok()) {
    status = tables_.Forget(false, wall - options_.retain, too_full, &delivered_freed);
  }
  if (status.ok()) status = tables_.Commit();
  if (!status.ok()) {
    tables_.Rollback();
    return Fault(status);
  }
  prunes_on_ = dead_freed.more || delivered_freed.more;
  dead_bytes_.fetch_sub(std::min(dead, dead_freed.bytes), std::memory_order_relaxed);
  delivered_bytes_.fetch_sub(std::min(delivered, delivered_freed.bytes), std::memory_order_relaxed);
}

}  // namespace tallybus
