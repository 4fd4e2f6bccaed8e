// How a record keeps a name: up to 64 bytes whole, a longer one by its beginning, hash and size.
#ifndef TALLYBUS_KEPT_TEXT_H_
#define TALLYBUS_KEPT_TEXT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tallybus {

// All functions: [any thread], without side effects. Two texts are the same where their lengths and
// kept bytes are (but for a 64-bit hash of what is longer than 64 bytes).

inline constexpr size_t kKeptTextBytes = 64;

// Says how the text is kept; one byte. A length beyond the most marks the text that was cut.
inline uint8_t KeptLength(std::string_view text) {
  return static_cast<uint8_t>(std::min(text.size(), kKeptTextBytes + 1));
}

// How many bytes are kept under that length.
inline size_t KeptBytes(uint8_t length) { return std::min<size_t>(length, kKeptTextBytes); }

// Writes the KeptBytes(KeptLength(text)) bytes and returns the place after them.
char* KeepLongText(std::string_view text, char* to);
inline char* KeepText(std::string_view text, char* to) {
  if (text.size() > kKeptTextBytes) return KeepLongText(text, to);
  return std::copy(text.begin(), text.end(), to);
}

// For people: the text, or its beginning and "... (4096 bytes)". What is cut is cut at a character.
std::string ShownText(const char* kept, uint8_t length);

// Stable within a process only.
uint64_t TextHash(std::string_view text);

}  // namespace tallybus

#endif  // TALLYBUS_KEPT_TEXT_H_
