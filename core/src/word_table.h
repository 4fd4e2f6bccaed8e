// Texts that many records share, each kept once for as long as a record refers to it.
#ifndef TALLYBUS_WORD_TABLE_H_
#define TALLYBUS_WORD_TABLE_H_

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tallybus {

// Names a text of a WordTable. The default is the empty text.
enum class Word : uint16_t {};

// [owner] At most kMaxWords different texts of kMaxBytes each: 1 MiB with the index. A longer text
// is cut at a character and ends in "..."; a text too many becomes kTooMany.
class WordTable {
 public:
  static constexpr size_t kMaxWords = 4096;
  static constexpr size_t kMaxBytes = 64;
  static constexpr std::string_view kTooMany = "(too many different words)";

  // Each Take is owed one Release of the word that it gave.
  Word Take(std::string_view text);
  void Release(Word word);
  // Valid until the word's last Release.
  std::string_view Text(Word word) const;

  size_t size() const { return index_.size(); }
  size_t MemoryBytes() const;

 private:
  struct Slot {
    std::string text;
    uint32_t uses = 0;
  };
  static constexpr uint16_t kEmpty = 0;
  static constexpr uint16_t kTooManyWord = 1;
  static constexpr uint16_t kFirst = 2;

  uint16_t NewSlot(std::string_view text);

  std::deque<Slot> slots_;  // a slot's text stays where it is: the index refers to it
  std::vector<uint16_t> free_;
  absl::flat_hash_map<absl::string_view, uint16_t> index_;
  uint16_t last_ = kEmpty;  // that was taken
};

}  // namespace tallybus

#endif  // TALLYBUS_WORD_TABLE_H_
