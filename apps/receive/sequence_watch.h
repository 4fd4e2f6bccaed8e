// The last sequence number of each lane or topic, for as many of them as fit.
#ifndef TALLYBUS_APPS_RECEIVE_SEQUENCE_WATCH_H_
#define TALLYBUS_APPS_RECEIVE_SEQUENCE_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <string_view>
#include <unordered_map>

namespace tallybus::receive {

// One thread. Keys are kept as 64-bit hashes, so that the memory is bounded whatever their length;
// two keys would have to collide to be taken for one.
class SequenceWatch {
 public:
  // Above `capacity` keys the one that was quiet for longest is forgotten.
  explicit SequenceWatch(size_t capacity) : capacity_(capacity) {}

  // Notes `sequence` as the key's last. Returns the number that was due; 0 where the key is new.
  uint64_t Note(std::string_view key, uint64_t sequence);

  uint64_t forgotten() const { return forgotten_; }

 private:
  struct Entry {
    uint64_t key;
    uint64_t last;
  };

  const size_t capacity_;
  std::list<Entry> recent_;  // the latest first
  std::unordered_map<uint64_t, std::list<Entry>::iterator> by_key_;
  uint64_t forgotten_ = 0;
};

}  // namespace tallybus::receive

#endif  // TALLYBUS_APPS_RECEIVE_SEQUENCE_WATCH_H_
