// A small table: it is empty at most endpoints for most of their lives.
#include "delivery/method_holds.h"

#include <algorithm>

namespace tallybus {

const Hold* MethodHolds::Find(std::string_view method) const {
  if (held_ == 0) return nullptr;
  const auto found = entries_.find(method);
  return found != entries_.end() && found->second.hold.held ? &found->second.hold : nullptr;
}

MethodHolds::Entry* MethodHolds::FindHeld(std::string_view method) {
  const auto found = entries_.find(method);
  return found != entries_.end() && found->second.hold.held ? &found->second : nullptr;
}

bool MethodHolds::MakeRoom() {
  if (held_ >= kMax) return false;
  if (entries_.size() < kMax) return true;
  // The one that was released longest ago: few of its events can have been there.
  auto oldest = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (it->second.hold.held) continue;
    if (oldest == entries_.end() || it->second.began < oldest->second.began) oldest = it;
  }
  entries_.erase(oldest);
  return true;
}

bool MethodHolds::Begin(std::string_view method, const EndpointSign& sign, absl::Duration own,
                        MonoTime now, Jitter& jitter) {
  auto found = entries_.find(method);
  if (found == entries_.end()) {
    if (!MakeRoom()) return false;
    found = entries_.try_emplace(std::string(method)).first;
  }
  Entry& entry = found->second;
  if (entry.hold.held) return true;
  entry.hold.Begin(sign, now, jitter);
  entry.began = own;
  ++held_;
  ++changes_;
  return true;
}

void MethodHolds::ProbeStarted(std::string_view method) {
  if (Entry* entry = FindHeld(method)) entry->hold.probing = true;
}

void MethodHolds::ProbeLater(std::string_view method, MonoTime now, Jitter& jitter) {
  if (Entry* entry = FindHeld(method)) entry->hold.ProbeLater(now, jitter);
}

void MethodHolds::End(Entry& entry, absl::Duration own) {
  entry.lost += own - entry.began;
  entry.began = own;
  entry.hold = {};
  --held_;
  ++changes_;
}

void MethodHolds::Release(std::string_view method, absl::Duration own) {
  if (Entry* entry = FindHeld(method)) End(*entry, own);
}

void MethodHolds::ReleaseAll(absl::Duration own) {
  for (auto& [method, entry] : entries_) {
    if (entry.hold.held) End(entry, own);
  }
}

void MethodHolds::AbandonProbes(MonoTime now, Jitter& jitter) {
  for (auto& [method, entry] : entries_) {
    if (entry.hold.probing) entry.hold.ProbeLater(now, jitter);
  }
}

absl::Duration MethodHolds::Lost(std::string_view method, absl::Duration own) const {
  if (entries_.empty()) return absl::ZeroDuration();
  const auto found = entries_.find(method);
  if (found == entries_.end()) return absl::ZeroDuration();
  const Entry& entry = found->second;
  return entry.lost + (entry.hold.held ? own - entry.began : absl::ZeroDuration());
}

std::optional<MonoTime> MethodHolds::NextDue(MonoTime now) const {
  std::optional<MonoTime> due;
  for (const auto& [method, entry] : entries_) {
    const Hold& hold = entry.hold;
    if (!hold.held || hold.probing || hold.probe_at <= now) continue;
    if (!due || hold.probe_at < *due) due = hold.probe_at;
  }
  return due;
}

}  // namespace tallybus
