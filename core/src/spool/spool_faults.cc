// A store that cannot take more for now, and how it comes back.
#include "spool/sqlite_spool.h"

namespace tallybus {
namespace {

// How far a transaction is made smaller where the log has no room for it.
constexpr size_t kFewest = 4;
// Of room beside the reserve, before a disk that was full takes events again: what is free for a
// moment only would have the alert come and go.
constexpr int64_t kMargin = int64_t{8} << 20;

}  // namespace

// Into the file, which may have to grow before the log's own room is free: by the reserve's.
absl::Status SqliteSpool::EmptyLog() {
  absl::Status status = file_.Checkpoint();
  if (!absl::IsResourceExhausted(status)) return status;
  file_.GiveUpReserve();
  status = file_.Checkpoint();
  absl::Status reserve = file_.TakeReserve();
  return status.ok() ? reserve : status;
}

void SqliteSpool::Fault(const absl::Status& status) {
  healthy_.store(false, std::memory_order_relaxed);
  short_of_room_ = absl::IsResourceExhausted(status);
  tried_ = clock_.Now();
  events_->OnFault(file_.Mend(status));
}

// Verdicts first: they make room. The reserve is for them: no event comes before it is whole again.
// At the end it is written and synced even where nothing waits, and the log is brought into the
// file: what a failed sync was for is not in the log on the disk, though it can be read.
void SqliteSpool::Recover() {
  tried_ = clock_.Now();
  absl::Status status = CommitVerdicts();
  if (status.ok()) status = CommitBehindReserve();
  if (absl::IsResourceExhausted(status)) {  // what was settled may take the room
    short_of_room_ = true;
    file_.GiveUpReserve();
    status = file_.Checkpoint();
    if (status.ok()) status = CommitVerdicts();
    if (status.ok()) status = file_.GiveRoomBack();
    if (status.ok()) status = CommitBehindReserve();
  }
  if (!status.ok() || !work_.wanted.empty()) return;  // something still cannot be read
  healthy_.store(true, std::memory_order_relaxed);
  events_->OnFault(absl::OkStatus());
}

// In pieces, so that the reserve has room for each. Without it the log begins anew after each.
absl::Status SqliteSpool::CommitVerdicts() {
  size_t most = kPiece;
  bool is_anew = false;
  while (work_.HasVerdicts()) {
    absl::Status status = TryCommit(false, most);
    if (status.ok()) {
      if (!file_.HasReserve()) status = file_.Checkpoint();
      if (!status.ok()) return status;
    } else if (!absl::IsResourceExhausted(status)) {
      return status;
    } else if (!is_anew || file_.HasReserve()) {
      if (is_anew) file_.GiveUpReserve();
      is_anew = true;
      (void)file_.Checkpoint().ok();
    } else if (most <= kFewest) {
      return status;
    } else {
      most /= 8;
    }
  }
  return absl::OkStatus();
}

absl::Status SqliteSpool::CommitBehindReserve() {
  absl::Status status = file_.TakeReserve(short_of_room_ ? kMargin : 0);
  if (status.ok()) status = MarkOpened();
  if (status.ok()) status = TryCommit(true, kAll);
  if (status.ok()) status = Sync();
  if (status.ok()) status = file_.Checkpoint();
  absl::Status reserve = file_.TakeReserve();
  return status.ok() ? reserve : status;
}

}  // namespace tallybus
