// At most one non-final ErrorEvent for an event and route.
#include "delivery/error_watch.h"

namespace tallybus {

void ErrorWatch::Watch(SpoolSeq seq, MonoTime deadline) {
  claimed_.try_emplace(seq, false);
  due_.emplace(deadline, seq);
}

bool ErrorWatch::ClaimFirst(SpoolSeq seq) {
  auto found = claimed_.find(seq);
  if (found == claimed_.end() || found->second) return false;
  found->second = true;
  return true;
}

std::vector<SpoolSeq> ErrorWatch::TakeDue(MonoTime now) {
  std::vector<SpoolSeq> taken;
  while (!due_.empty() && due_.top().first <= now) {
    auto found = claimed_.find(due_.top().second);
    if (found != claimed_.end() && !found->second) taken.push_back(found->first);
    due_.pop();
  }
  return taken;
}

std::optional<MonoTime> ErrorWatch::NextDue() const {
  if (due_.empty()) return std::nullopt;
  return due_.top().first;
}

}  // namespace tallybus
