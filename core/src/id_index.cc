// A record's link is written once, when it comes: as in the tables of a compressor.
#include "id_index.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <utility>

namespace tallybus {

uint32_t IdIndex::HashOf(const EventId& id) {
  const size_t group = absl::Hash<std::pair<uint64_t, uint64_t>>()({id.epoch, id.sequence >> 4});
  return static_cast<uint32_t>(group << 4 | (id.sequence & 0xf));
}

void IdIndex::Add(const EventId& id, uint64_t number, uint64_t same) {
  if (known_ == links_.size()) Grow();
  const uint32_t hash = HashOf(id);
  uint32_t& head = HeadOf(hash);
  // One id that comes again and again makes no long chain.
  const bool replaces = same != 0 && head == static_cast<uint32_t>(same);
  const uint32_t before = replaces ? LinkOf(head).before : head;
  head = static_cast<uint32_t>(number);
  LinkOf(head) = {before, hash};
  newest_ = number;
  ++known_;
}

void IdIndex::Grow() {
  constexpr size_t kFirstLinks = 256;
  const std::vector<Link> links =
      std::exchange(links_, std::vector<Link>(std::max(kFirstLinks, 2 * links_.size())));
  heads_.assign(2 * links_.size(), 0);
  const auto newest = static_cast<uint32_t>(newest_);
  for (uint32_t end = newest - static_cast<uint32_t>(known_) + 1; end != newest + 1; ++end) {
    const uint32_t hash = links[end & (links.size() - 1)].hash;
    LinkOf(end) = {std::exchange(HeadOf(hash), end), hash};
  }
}

size_t IdIndex::MemoryBytes() const {
  return heads_.capacity() * sizeof(heads_[0]) + links_.capacity() * sizeof(links_[0]);
}

}  // namespace tallybus
