// At most one non-final ErrorEvent for an event and route.
#include "delivery/error_watch.h"

#include <algorithm>

namespace tallybus {

void ErrorWatch::Watch(SpoolSeq seq, MonoTime now, absl::Duration wait) {
  Blocks& blocks = by_wait_[wait];
  if (blocks.empty() || seq - blocks.back().first >= kRows || now - blocks.back().begun >= kGrain) {
    blocks.push_back({.first = seq, .begun = now, .unclaimed = {}});
  }
  Block& block = blocks.back();
  block.unclaimed.set(seq - block.first);
  ++block.left;
}

bool ErrorWatch::ClaimFirst(SpoolSeq seq) {
  return std::any_of(by_wait_.begin(), by_wait_.end(),
                     [seq](auto& entry) { return Claim(entry.second, seq); });
}

bool ErrorWatch::Claim(Blocks& blocks, SpoolSeq seq) {
  auto block = std::upper_bound(blocks.begin(), blocks.end(), seq,
                                [](SpoolSeq s, const Block& b) { return s < b.first; });
  if (block == blocks.begin()) return false;
  --block;
  const SpoolSeq bit = seq - block->first;
  if (bit >= kRows || !block->unclaimed.test(bit)) return false;
  block->unclaimed.reset(bit);
  --block->left;
  DropClaimed(blocks);
  return true;
}

void ErrorWatch::DropClaimed(Blocks& blocks) {
  while (!blocks.empty() && blocks.front().left == 0) blocks.pop_front();
}

std::vector<SpoolSeq> ErrorWatch::ClaimDue(MonoTime now, size_t limit) {
  std::vector<SpoolSeq> claimed;
  for (auto& [wait, blocks] : by_wait_) {
    while (!blocks.empty() && blocks.front().begun + kGrain + wait <= now &&
           claimed.size() < limit) {
      Block& block = blocks.front();
      for (size_t bit = 0; block.left > 0 && claimed.size() < limit; ++bit) {
        if (!block.unclaimed.test(bit)) continue;
        block.unclaimed.reset(bit);
        --block.left;
        claimed.push_back(block.first + bit);
      }
      DropClaimed(blocks);
    }
  }
  return claimed;
}

std::optional<MonoTime> ErrorWatch::NextDue() const {
  std::optional<MonoTime> next;
  for (const auto& [wait, blocks] : by_wait_) {
    if (blocks.empty()) continue;
    const MonoTime due = blocks.front().begun + kGrain + wait;
    if (!next || due < *next) next = due;
  }
  return next;
}

}  // namespace tallybus
