// What is known of one stream or session that lives: all its texts in one piece of memory.
#ifndef TALLYBUS_LIVE_ENTRY_H_
#define TALLYBUS_LIVE_ENTRY_H_

#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "tallybus/clock.h"

namespace tallybus {

// [router] Its texts never change and are good while it lives.
class LiveEntry {
 public:
  struct Texts {
    std::string_view key, json, status = {}, app_key = {}, session_id = {}, name = {};
  };
  // Copies the texts, of less than 4 GiB.
  static std::unique_ptr<LiveEntry> Make(const Texts& texts, MonoTime heard, bool lost);
  LiveEntry(const LiveEntry&) = delete;
  LiveEntry& operator=(const LiveEntry&) = delete;
  static void operator delete(void* entry) { ::operator delete(entry); }

  std::string_view key() const { return At({0, key_size_}); }
  std::string_view json() const { return At({key_size_, json_size_}); }
  std::string_view status() const { return At(status_); }
  std::string_view app_key() const { return At(app_key_); }
  std::string_view session_id() const { return At(session_id_); }
  std::string_view name() const { return At(name_); }

  MonoTime heard;
  bool lost;

 private:
  struct Place {
    uint32_t at = 0, size = 0;
  };
  LiveEntry(MonoTime heard_at, bool is_lost) : heard(heard_at), lost(is_lost) {}
  static void* operator new(size_t size, size_t more) { return ::operator new(size + more); }

  // The texts are behind the entry: the key, the object, and what stands in neither.
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }
  std::string_view At(Place place) const { return {text() + place.at, place.size}; }

  uint32_t key_size_ = 0, json_size_ = 0;
  Place status_, app_key_, session_id_, name_;
};

using LiveEntryPtr = std::unique_ptr<LiveEntry>;

// Entries are the same where their keys are; a set of them is asked by the key.
struct LiveEntryHash {
  using is_transparent = void;
  size_t operator()(std::string_view key) const {
    return absl::Hash<absl::string_view>()(absl::string_view(key.data(), key.size()));
  }
  size_t operator()(const LiveEntryPtr& entry) const { return (*this)(entry->key()); }
};
struct LiveEntryEqual {
  using is_transparent = void;
  bool operator()(const LiveEntryPtr& a, std::string_view key) const { return a->key() == key; }
  bool operator()(const LiveEntryPtr& a, const LiveEntryPtr& b) const {
    return a->key() == b->key();
  }
};

}  // namespace tallybus

#endif  // TALLYBUS_LIVE_ENTRY_H_
