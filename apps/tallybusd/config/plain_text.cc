// Text that can be kept, printed and sent on: UTF-8 without control characters.
#include "plain_text.h"

#include <cstdint>

namespace tallybus::config {
namespace {

uint32_t Byte(char c) { return static_cast<unsigned char>(c); }

// Bytes of the UTF-8 sequence at the start of `text`, which is not empty; 0: malformed.
size_t SequenceLength(std::string_view text) {
  const uint32_t first = Byte(text[0]);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  uint32_t code = first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((Byte(text[i]) & 0xC0) != 0x80) return 0;
    code = code << 6 | (Byte(text[i]) & 0x3F);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return overlong || surrogate || code > 0x10FFFF ? 0 : length;
}

bool IsControl(std::string_view sequence) {
  const uint32_t first = Byte(sequence[0]);
  if (sequence.size() == 2) return first == 0xC2 && Byte(sequence[1]) < 0xA0;  // C1
  return first < 0x20 || first == 0x7F;
}

}  // namespace

size_t FindNotPlain(std::string_view text, bool allow_layout) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = SequenceLength(text.substr(at));
    if (length == 0) return at;
    const bool layout = text[at] == '\t' || text[at] == '\n' || text[at] == '\r';
    if (IsControl(text.substr(at, length)) && !(allow_layout && layout)) return at;
    at += length;
  }
  return std::string_view::npos;
}

}  // namespace tallybus::config
