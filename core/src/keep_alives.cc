// A heap by time, in which what was forgotten stays until it is due or outweighs the rest.
#include "keep_alives.h"

namespace tallybus {
namespace {

constexpr size_t kFewForgotten = 1024;

}  // namespace

void KeepAlives::Clear() {
  due_ = {};
  followed_.clear();
}

void KeepAlives::Follow(LiveTable::StreamName stream, MonoTime due) {
  if (followed_.emplace(KeyOf(stream), due).second) due_.push({due, std::move(stream)});
}

void KeepAlives::Forget(const LiveTable::StreamName& stream) {
  followed_.erase(KeyOf(stream));
  if (due_.size() <= 2 * followed_.size() + kFewForgotten) return;
  decltype(due_) kept;
  for (; !due_.empty(); due_.pop()) {
    if (IsGood(due_.top())) kept.push(due_.top());
  }
  due_ = std::move(kept);
}

// A stream that began again has another time.
bool KeepAlives::IsGood(const Due& due) const {
  auto found = followed_.find(KeyOf(due.stream));
  return found != followed_.end() && found->second == due.at;
}

void KeepAlives::DropForgotten() {
  while (!due_.empty() && !IsGood(due_.top())) due_.pop();
}

std::optional<KeepAlives::Due> KeepAlives::TakeDue(MonoTime now) {
  DropForgotten();
  if (due_.empty() || due_.top().at > now) return std::nullopt;
  Due due = due_.top();
  due_.pop();
  followed_.erase(KeyOf(due.stream));
  return due;
}

std::optional<MonoTime> KeepAlives::NextDue() {
  DropForgotten();
  if (due_.empty()) return std::nullopt;
  return due_.top().at;
}

}  // namespace tallybus
