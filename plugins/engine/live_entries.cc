// A value is replaced where it stands: most events are of streams that live.
#include "live_entries.h"

namespace tallybus::engine {

LiveEntries::Entry* LiveEntries::Find(std::string_view key) {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

void LiveEntries::Add(std::string_view key, std::string_view value) {
  const uint64_t number = last_ + 1;
  const auto added = by_number_.emplace_hint(by_number_.end(), number,
                                             Entry{number, std::string(key), std::string(value)});
  Entry& entry = added->second;
  try {
    by_key_.emplace(entry.key, &entry);
  } catch (...) {
    by_number_.erase(added);
    throw;
  }
  last_ = number;
  bytes_ += entry.bytes();
}

void LiveEntries::Replace(Entry& entry, std::string_view value) {
  const size_t before = entry.bytes();
  entry.value.assign(value);
  if (entry.value.capacity() > 2 * value.size()) entry.value.shrink_to_fit();
  bytes_ = bytes_ - before + entry.bytes();
}

void LiveEntries::Erase(Entry& entry) {
  bytes_ -= entry.bytes();
  by_key_.erase(entry.key);
  by_number_.erase(entry.number);
}

const LiveEntries::Entry* LiveEntries::After(uint64_t number) const {
  const auto next = by_number_.upper_bound(number);
  return next == by_number_.end() ? nullptr : &next->second;
}

}  // namespace tallybus::engine
