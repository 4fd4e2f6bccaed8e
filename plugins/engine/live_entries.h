// Texts by their keys, gone through in the order in which the keys came.
#ifndef TALLYBUS_PLUGINS_ENGINE_LIVE_ENTRIES_H_
#define TALLYBUS_PLUGINS_ENGINE_LIVE_ENTRIES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tallybus::engine {

// One thread. What throws for want of memory has changed nothing.
class LiveEntries {
 public:
  struct Entry {
    uint64_t number;  // from 1, in that order
    std::string key, value;
    size_t bytes() const { return key.size() + value.size(); }
  };

  // nullptr: there is none. It is good until it is erased.
  Entry* Find(std::string_view key);
  // The key must be new.
  void Add(std::string_view key, std::string_view value);
  // In its place in the order.
  void Replace(Entry& entry, std::string_view value);
  void Erase(Entry& entry);
  // The next one behind a number, which may be gone; nullptr: it was the last.
  const Entry* After(uint64_t number) const;

  size_t bytes() const { return bytes_; }  // of all keys and values

 private:
  std::map<uint64_t, Entry> by_number_;
  std::unordered_map<std::string_view, Entry*> by_key_;
  uint64_t last_ = 0;
  size_t bytes_ = 0;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_LIVE_ENTRIES_H_
