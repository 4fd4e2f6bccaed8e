// Counting uses is what lets a table that a hostile peer filled become useful again.
#include "word_table.h"

#include <utility>

namespace tallybus {
namespace {

constexpr std::string_view kDots = "...";

absl::string_view Key(std::string_view text) { return {text.data(), text.size()}; }

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::string Cut(std::string_view text) {
  size_t end = WordTable::kMaxBytes - kDots.size();
  while (end > 0 && Continues(text[end])) --end;
  return std::string(text.substr(0, end)).append(kDots);
}

}  // namespace

Word WordTable::Take(std::string_view text) {
  if (text.empty()) return Word{kEmpty};
  // Most often it is the same one again.
  if (last_ != kEmpty && slots_[last_ - kFirst].text == text) {
    ++slots_[last_ - kFirst].uses;
    return Word{last_};
  }
  if (text.size() > kMaxBytes) return Take(Cut(text));
  if (auto found = index_.find(Key(text)); found != index_.end()) {
    last_ = found->second;
    ++slots_[last_ - kFirst].uses;
    return Word{last_};
  }
  if (index_.size() == kMaxWords) return Word{kTooManyWord};
  return Word{NewSlot(text)};
}

uint16_t WordTable::NewSlot(std::string_view text) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint16_t>(slots_.size() + kFirst));
    slots_.emplace_back();
  }
  const uint16_t word = free_.back();
  free_.pop_back();
  Slot& slot = slots_[word - kFirst];
  slot.text = std::string(text);
  slot.uses = 1;
  index_.emplace(Key(slot.text), word);
  return word;
}

void WordTable::Release(Word word) {
  const auto number = static_cast<uint16_t>(word);
  if (number < kFirst) return;
  Slot& slot = slots_[number - kFirst];
  if (--slot.uses > 0) return;
  if (last_ == number) last_ = kEmpty;
  index_.erase(Key(slot.text));
  slot.text = std::string();
  free_.push_back(number);
}

std::string_view WordTable::Text(Word word) const {
  const auto number = static_cast<uint16_t>(word);
  if (number == kEmpty) return {};
  if (number == kTooManyWord) return kTooMany;
  return slots_[number - kFirst].text;
}

size_t WordTable::MemoryBytes() const {
  return slots_.size() * (sizeof(Slot) + kMaxBytes) + free_.capacity() * sizeof(uint16_t) +
         index_.capacity() * (sizeof(absl::string_view) + sizeof(uint64_t) + 1);
}

}  // namespace tallybus
