// First in, first out; what was forgotten in between leaves its number behind for a while.
#include "spool/recent_rows.h"

namespace tallybus {
namespace {

constexpr size_t kForgottenKept = 1024;

}  // namespace

void RecentRows::Add(const SpoolRowPtr& row) { Add(row, false); }
void RecentRows::AddAhead(const SpoolRowPtr& row) { Add(row, true); }

void RecentRows::Add(const SpoolRowPtr& row, bool ahead) {
  if (!by_seq_.try_emplace(row->seq, Found{row, ahead}).second) return;
  bytes_ += row->Bytes();
  oldest_.push_back(row->seq);
  while (!oldest_.empty() && (bytes_ > max_bytes_ || !by_seq_.contains(oldest_.front()))) {
    Forget(oldest_.front());
    oldest_.pop_front();
  }
  if (oldest_.size() > 2 * by_seq_.size() + kForgottenKept) {
    std::erase_if(oldest_, [this](SpoolSeq seq) { return !by_seq_.contains(seq); });
  }
}

void RecentRows::Forget(SpoolSeq seq) {
  auto found = by_seq_.find(seq);
  if (found == by_seq_.end()) return;
  bytes_ -= found->second.row->Bytes();
  by_seq_.erase(found);
}

RecentRows::Found RecentRows::Find(SpoolSeq seq) const {
  auto found = by_seq_.find(seq);
  return found == by_seq_.end() ? Found() : found->second;
}

}  // namespace tallybus
