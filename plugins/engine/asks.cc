// All have the same time to be answered in: the oldest is due first.
#include "asks.h"

namespace tallybus::engine {

uint64_t Asks::Add(tallybus_answer_fn answer, void* user, int64_t now_us) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (open_.size() >= kMost) return 0;
  open_[++last_] = {answer, user, now_us + timeout_us_};
  NoteNextDue();
  return last_;
}

std::optional<Asked> Asks::Take(uint64_t call) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = open_.find(call);
  if (found == open_.end()) return std::nullopt;
  const Asked asked = found->second;
  open_.erase(found);
  NoteNextDue();
  return asked;
}

std::optional<Asked> Asks::TakeDue(int64_t now_us) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (open_.empty() || open_.begin()->second.due_us > now_us) return std::nullopt;
  const Asked asked = open_.begin()->second;
  open_.erase(open_.begin());
  NoteNextDue();
  return asked;
}

void Asks::NoteNextDue() {
  next_due_us_.store(open_.empty() ? kNever : open_.begin()->second.due_us,
                     std::memory_order_relaxed);
}

}  // namespace tallybus::engine
