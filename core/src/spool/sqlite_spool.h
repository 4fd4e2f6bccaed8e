// The writer of a durable spool: collects what the router asks for, and commits it as soon as the
// last commit has returned.
#ifndef TALLYBUS_SPOOL_SQLITE_SPOOL_H_
#define TALLYBUS_SPOOL_SQLITE_SPOOL_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "spool/read_ahead.h"
#include "spool/recent_rows.h"
#include "spool/spool_file.h"
#include "spool/spool_tables.h"
#include "spool/writer_inbox.h"
#include "tallybus/mailbox.h"
#include "tallybus/sqlite_spool.h"

namespace tallybus {

class SqliteSpool final : public Spool {
 public:
  SqliteSpool(SqliteSpoolOptions options, const Clock& clock, SpoolFile file);
  ~SqliteSpool() override;

  absl::Status Start(SpoolEvents& events, SpoolReader& reader) override;
  void Append(SpoolBatch batch) override;
  void Settle(std::span<const Settlement> settled) override;
  void Note(std::span<const Progress> progress) override;
  void Load(std::span<const SpoolSeq> wanted) override;
  void Find(const StoredFilter& filter, StoredCallback callback) override;
  absl::Status Stop() override;
  size_t UsedBytes() const override;
  size_t MaxBytes() const override { return options_.max_bytes; }
  size_t PendingBytes() const override { return pending_bytes_.load(std::memory_order_relaxed); }
  size_t DeadLetterBytes() const override { return dead_bytes_.load(std::memory_order_relaxed); }
  bool Healthy() const override { return healthy_.load(std::memory_order_relaxed); }

 private:
  // Verdicts of a transaction while the store is out of order, and where it is not.
  static constexpr size_t kPiece = 2000;
  static constexpr size_t kAll = SIZE_MAX;

  void Write();  // [spool] the thread
  void ServeReads();
  void ServeRun(const SeqRange& run, std::vector<SpoolRowPtr>* rows);
  void ServeAhead();
  void ServeFinds();
  void CommitWork();
  absl::Status TryCommit(bool with_batches, size_t most);
  absl::Status WriteSettled(bool with_batches, size_t settled, size_t noted,
                            std::vector<const Settlement*>* done);
  void Count(const Settlement& settlement);
  absl::Status EmptyLog();
  void Fault(const absl::Status& status);
  void Recover();
  absl::Status CommitVerdicts();
  absl::Status CommitBehindReserve();
  template <typename Change>
  absl::Status WithReserve(Change write);
  absl::Status MarkOpened();
  absl::Status Close();
  void Prune();
  void SyncInterval();
  absl::Status Sync();

  const SqliteSpoolOptions options_;
  const Clock& clock_;
  SpoolFile file_;
  SpoolTables tables_;
  SpoolEvents* events_ = nullptr;
  RecentRows recent_;          // [router]
  ReadAhead read_ahead_;       // [router]
  Mailbox<SpoolRowPtr> read_;  // ahead, on its way to recent_
  std::atomic<size_t> waiting_bytes_{0};
  std::atomic<size_t> pending_bytes_{0};
  std::atomic<size_t> dead_bytes_{0};
  std::atomic<size_t> delivered_bytes_{0};
  std::atomic<bool> healthy_{true};

  std::thread writer_;
  WriterInbox inbox_;

  // [spool]
  SpoolWork work_;
  bool marked_ = false;         // as opened, in the file
  bool short_of_room_ = false;  // was, when it was last out of order
  bool unsynced_ = false;
  bool prunes_on_ = false;  // the last turn of it left some
  MonoTime synced_, pruned_, tried_;
  absl::Status last_;
};

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_SQLITE_SPOOL_H_
