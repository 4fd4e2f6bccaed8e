// Finds the newest record of an event's id, and does nothing for one that is forgotten.
#ifndef TALLYBUS_ID_INDEX_H_
#define TALLYBUS_ID_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tallybus/event.h"

namespace tallybus {

// [owner] Records have numbers, one after the other, and are forgotten in that order. Under each
// hash is a chain, the newest first, which ends where a number is no longer known: 16 bytes a
// record, rounded up to a power of two; none before the first.
class IdIndex {
 public:
  // `number` is one more than the last one's; `same`: what Find says of the id before; 0: nothing.
  void Add(const EventId& id, uint64_t number, uint64_t same);
  void ForgetOldest() { --known_; }
  // The newest number for which `has_id(number)`; 0: none.
  template <typename HasId>
  uint64_t Find(const EventId& id, HasId has_id) const {
    if (known_ == 0) return 0;
    const uint32_t hash = HashOf(id);
    uint32_t end = HeadOf(hash);
    // Ages grow along a chain. One that does not has left it, by a number of 2^32 records ago.
    for (uint64_t least = 0;;) {
      const uint32_t age = static_cast<uint32_t>(newest_) - end;
      if (age < least || age >= known_) return 0;
      const Link& link = LinkOf(end);
      if (link.hash == hash && has_id(newest_ - age)) return newest_ - age;
      least = uint64_t{age} + 1;
      end = link.before;
    }
  }
  size_t MemoryBytes() const;

 private:
  struct Link {
    uint32_t before = 0;  // the end of the number of the one before in its chain
    uint32_t hash = 0;
  };
  // Neighbours share a line of the heads: ids come in the order of their numbers, mostly.
  static uint32_t HashOf(const EventId& id);
  uint32_t& HeadOf(uint32_t hash) { return heads_[hash & (heads_.size() - 1)]; }
  uint32_t HeadOf(uint32_t hash) const { return heads_[hash & (heads_.size() - 1)]; }
  Link& LinkOf(uint32_t end) { return links_[end & (links_.size() - 1)]; }
  const Link& LinkOf(uint32_t end) const { return links_[end & (links_.size() - 1)]; }
  void Grow();

  std::vector<uint32_t> heads_;  // by hash: the end of the newest number; twice as many as links
  std::vector<Link> links_;      // by the end of the number
  uint64_t newest_ = 0;
  size_t known_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_ID_INDEX_H_
