// What is asked of a spool's thread, and when it is worth a transaction.
#ifndef TALLYBUS_SPOOL_WRITER_INBOX_H_
#define TALLYBUS_SPOOL_WRITER_INBOX_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "spool/read_ahead.h"
#include "tallybus/clock.h"
#include "tallybus/spool.h"

namespace tallybus {

struct SpoolWork {
  std::vector<SpoolBatch> batches;
  std::deque<Settlement> settled;  // the oldest go first, in pieces
  std::deque<Progress> progress;
  std::vector<SpoolSeq> wanted;
  std::vector<SeqRange> ahead;
  std::vector<std::pair<StoredFilter, StoredCallback>> finds;

  bool HasVerdicts() const { return !settled.empty() || !progress.empty(); }
  bool HasReads() const { return !wanted.empty() || !ahead.empty() || !finds.empty(); }
  bool empty() const { return batches.empty() && !HasVerdicts() && !HasReads(); }
};

// Loads are served at once, and make no transaction; a search has what was asked for before it
// committed first. Events are committed at once, or where the
// last transaction was a large one within 2 ms; verdicts with them, or within the settlement
// window.
class WriterInbox {
 public:
  // Settlements wait so long for an event to share its sync: what a crash may repeat.
  static constexpr std::chrono::milliseconds kSettlementWindow{20};
  static constexpr std::chrono::milliseconds kLinger{2};
  // The last transaction was large where it had so many events.
  static constexpr size_t kManyRows = 64;
  // More than this waits for nothing, and a transaction takes no more than the second.
  static constexpr size_t kEnoughBytes = size_t{256} << 10;
  static constexpr size_t kTransactionBytes = size_t{1} << 20;

  enum class Turn {
    kReads,    // what there is of reads; a transaction is not due yet
    kCommits,  // all that *work holds
    kStopped,  // the last turn: *work has all that is left
  };

  // [any thread]
  void Append(SpoolBatch batch);
  void Settle(std::span<const Settlement> settled);
  void Note(std::span<const Progress> progress);
  void Load(std::vector<SpoolSeq> wanted, std::optional<SeqRange> ahead);
  void Find(const StoredFilter& filter, StoredCallback callback);
  void Stop();

  // [spool] Waits for the next turn, where nothing is asked at most for `idle`, and adds to *work,
  // which has what the last turn left. A store that is out of order (not `healthy`) is asked for
  // reads, and every kFaultEvery for more.
  static constexpr std::chrono::milliseconds kFaultEvery{500};
  Turn Take(bool healthy, std::chrono::milliseconds idle, SpoolWork* work);

 private:
  template <typename Add>
  void Ask(Add add);
  // Whether a transaction is due.
  bool AwaitDue(std::unique_lock<std::mutex>& lock, const SpoolWork& held);
  void MoveTo(SpoolWork* work, bool all_batches);

  std::mutex mutex_;
  std::condition_variable asked_;
  SpoolWork asked_for_;  // under mutex_, as all below
  size_t asked_bytes_ = 0;
  bool stopping_ = false;
  bool under_load_ = false;
  std::optional<MonoTime> events_due_, verdicts_due_;
  const SystemClock clock_{};  // a condition variable waits in real time
};

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_WRITER_INBOX_H_
