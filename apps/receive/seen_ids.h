// Which event ids came before, for as many of them as fit.
#ifndef TALLYBUS_APPS_RECEIVE_SEEN_IDS_H_
#define TALLYBUS_APPS_RECEIVE_SEEN_IDS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <unordered_set>

namespace tallybus::receive {

// One thread. Ids are kept as 64-bit hashes: the memory is bounded whatever their length.
class SeenIds {
 public:
  // Above `capacity` ids the oldest is forgotten.
  explicit SeenIds(size_t capacity) : capacity_(capacity) {}

  // True where the id came before. Remembers it.
  bool Note(std::string_view id);

  uint64_t forgotten() const { return forgotten_; }

 private:
  const size_t capacity_;
  std::deque<uint64_t> in_order_;
  std::unordered_set<uint64_t> known_;
  uint64_t forgotten_ = 0;
};

}  // namespace tallybus::receive

#endif  // TALLYBUS_APPS_RECEIVE_SEEN_IDS_H_
