// What is longer than what is kept: its beginning, its hash and its size.
#include "kept_text.h"

#include <absl/hash/hash.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace tallybus {
namespace {

constexpr uint8_t kCut = kKeptTextBytes + 1;
constexpr size_t kBeginning = kKeptTextBytes - sizeof(uint64_t) - sizeof(uint32_t);

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

}  // namespace

uint64_t TextHash(std::string_view text) {
  return absl::Hash<absl::string_view>()(absl::string_view(text.data(), text.size()));
}

char* KeepLongText(std::string_view text, char* to) {
  const uint64_t hash = TextHash(text);
  const auto size =
      static_cast<uint32_t>(std::min<size_t>(text.size(), std::numeric_limits<uint32_t>::max()));
  std::memcpy(to, text.data(), kBeginning);
  std::memcpy(to + kBeginning, &hash, sizeof hash);
  std::memcpy(to + kBeginning + sizeof hash, &size, sizeof size);
  return to + kKeptTextBytes;
}

std::string ShownText(const char* kept, uint8_t length) {
  if (length != kCut) return std::string(kept, length);
  uint32_t size = 0;
  std::memcpy(&size, kept + kBeginning + sizeof(uint64_t), sizeof size);
  // Whether a last character beyond ASCII is whole is not known any more: it goes.
  size_t end = kBeginning;
  while (end > 0 && (static_cast<unsigned char>(kept[end - 1]) & 0xC0) == 0x80) --end;
  if (end > 0 && !IsAscii(kept[end - 1])) --end;
  return absl::StrCat(absl::string_view(kept, end), "... (", size, " bytes)");
}

}  // namespace tallybus
