// JSON text by hand: the protobuf printer is an order slower.
#include "codec/json_writer.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <utility>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

// Of each byte the letter that stands for it after a backslash; 'u' for a control character that
// has none, 0 for a byte that needs no escape.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> letters{};
  std::fill_n(letters.begin(), 0x20, 'u');
  for (const auto& [byte, letter] :
       {std::pair('\b', 'b'), std::pair('\f', 'f'), std::pair('\n', 'n'), std::pair('\r', 'r'),
        std::pair('\t', 't'), std::pair('"', '"'), std::pair('\\', '\\')}) {
    letters[static_cast<unsigned char>(byte)] = letter;
  }
  return letters;
}();

// Bytes of the UTF-8 sequence that `text` begins with; 0 where it is none.
size_t SequenceLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length > text.size() || !simdjson::validate_utf8(text.data(), length)) return 0;
  return length;
}

std::string ValidUtf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    valid += length == 0 ? "\xEF\xBF\xBD" : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return valid;
}

// Not 0 where any of eight bytes does: a byte's highest bit is set where it is below what is
// subtracted from it, and was below 0x80 before.
uint64_t Escapes(uint64_t eight) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const auto below = [](uint64_t word, uint64_t limit) { return (word - kOnes * limit) & ~word; };
  const uint64_t found =
      below(eight, 0x20) | below(eight ^ (kOnes * '"'), 1) | below(eight ^ (kOnes * '\\'), 1);
  return found & (kOnes * 0x80);
}

// The same of sixteen bytes, each of them not 0 where it does.
using Sixteen = uint8_t __attribute__((vector_size(16)));
using Halves = uint64_t __attribute__((vector_size(16)));
Sixteen Escapes(Sixteen bytes) {
  return reinterpret_cast<Sixteen>((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
}

template <typename T>
T Word(T word, const char* from) {
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Copies a text, most often a short one: words at a time, the last one overlapping the one before,
// so that there is no call and no loop over single bytes. Gives each word to `see`; of a short text
// both at once.
template <typename See>
char* Copy(std::string_view text, char* to, See see) {
  const char* const from = text.data();
  const size_t size = text.size();
  const auto copy = [&](auto word, size_t at) {
    word = Word(word, from + at);
    std::memcpy(to + at, &word, sizeof word);
    see(word);
  };
  const auto copy_ends = [&](auto half) {
    const std::pair ends(Word(half, from), Word(half, from + size - sizeof half));
    std::memcpy(to, &ends.first, sizeof half);
    std::memcpy(to + size - sizeof half, &ends.second, sizeof half);
    return ends;
  };
  if (size >= 16) {
    for (size_t at = 0; at + 16 < size; at += 16) copy(Sixteen{}, at);
    copy(Sixteen{}, size - 16);
  } else if (size >= 8) {
    const auto [first, last] = copy_ends(uint64_t{});
    see(reinterpret_cast<Sixteen>(Halves{first, last}));
  } else if (size >= 4) {
    const auto [first, last] = copy_ends(uint32_t{});
    see(uint64_t{last} << 32 | first);
  } else {
    for (size_t at = 0; at < size; ++at) copy(uint8_t{}, at);
  }
  return to + size;
}

// Whether any byte of the text needs an escape; it is copied all the same.
bool CopyAndCheck(std::string_view text, char* to) {
  uint64_t found = 0;
  Sixteen found_in_long = {};
  Copy(text, to, [&](auto word) {
    constexpr int kBits = 8 * sizeof word;
    constexpr uint64_t kSpaces = 0x2020202020202020;  // where the word has no bytes
    if constexpr (kBits == 128) {
      found_in_long |= Escapes(word);
    } else {
      found |= Escapes(kBits == 64 ? word : kSpaces << (kBits % 64) | word);
    }
  });
  uint64_t halves[2];
  std::memcpy(halves, &found_in_long, sizeof halves);
  return (found | halves[0] | halves[1]) != 0;
}

constexpr size_t kLongestEscape = 6;  // \u001f
constexpr size_t kPiece = 256;        // of a text that is escaped
constexpr size_t kPieceRoom = kPiece * kLongestEscape;

char* PutByte(char byte, char* to) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto c = static_cast<unsigned char>(byte);
  const char letter = kEscapes[c];
  if (letter == 0) {
    *to++ = byte;
    return to;
  }
  *to++ = '\\';
  *to++ = letter;
  if (letter != 'u') return to;
  const char code[] = {'0', '0', kHex[c >> 4], kHex[c & 15]};
  return std::copy(std::begin(code), std::end(code), to);
}

// How many of sixteen bytes stand before the first that needs an escape.
size_t BeforeFirst(Sixteen found) {
  const Halves halves = reinterpret_cast<Halves>(found);
  const auto zeros = [](uint64_t half) {
    return std::endian::native == std::endian::little ? std::countr_zero(half)
                                                      : std::countl_zero(half);
  };
  const int bits = halves[0] != 0 ? zeros(halves[0]) : 64 + zeros(halves[1]);
  return static_cast<size_t>(bits) / 8;
}

// Copies a piece with its escapes to where there is kPieceRoom.
char* CopyEscaped(std::string_view piece, char* to) {
  size_t at = 0;
  for (Sixteen bytes; piece.size() - at >= sizeof bytes;) {
    bytes = Word(bytes, piece.data() + at);
    std::memcpy(to, &bytes, sizeof bytes);
    const size_t plain = BeforeFirst(Escapes(bytes));
    to += plain;
    at += plain;
    if (plain < sizeof bytes) to = PutByte(piece[at++], to);
  }
  while (at < piece.size()) to = PutByte(piece[at++], to);
  return to;
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  char room[kPieceRoom];
  out->push_back('"');
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), kPiece))) {
    out->append(room, CopyEscaped(text.substr(0, kPiece), room));
  }
  out->push_back('"');
}

std::string JsonString(std::string_view text) {
  std::string out;
  const bool valid = simdjson::validate_utf8(text.data(), text.size());
  AppendJsonString(valid ? text : ValidUtf8(text), &out);
  return out;
}

namespace {

char* Put(char* to, std::string_view text) {
  return Copy(text, to, [](auto) {});
}

constexpr size_t kMostDigits = 20;  // of an int64_t, with its sign

}  // namespace

JsonObjectWriter::JsonObjectWriter(std::string* out) : out_(out), begin_(out->size()), at_(begin_) {
  out_->resize(out_->capacity());
}

void JsonObjectWriter::Grow(size_t bytes) { out_->resize(std::max(at_ + bytes, 2 * out_->size())); }

void JsonObjectWriter::String(const JsonKey& key, std::string_view value) {
  char* to = Key(key, value.size() + 2);
  *to++ = '"';
  if (CopyAndCheck(value, to)) return Escaped(value, to);  // once more
  to += value.size();
  *to++ = '"';
  AtEnd(to);
}

// No more room is made than the text needs, though any of its bytes could have been six.
void JsonObjectWriter::Escaped(std::string_view value, const char* at) {
  AtEnd(at);
  for (; !value.empty(); value.remove_prefix(std::min(value.size(), kPiece))) {
    const std::string_view piece = value.substr(0, kPiece);
    if (out_->size() - at_ >= kPieceRoom) {
      AtEnd(CopyEscaped(piece, out_->data() + at_));
      continue;
    }
    char room[kPieceRoom];
    const std::string_view escaped(room, CopyEscaped(piece, room));
    AtEnd(Put(Room(escaped.size()), escaped));
  }
  char* to = Room(1);
  *to++ = '"';
  AtEnd(to);
}

void JsonObjectWriter::Int(const JsonKey& key, int64_t value) {
  char* to = Key(key, kMostDigits);
  AtEnd(std::to_chars(to, to + kMostDigits, value).ptr);
}

void JsonObjectWriter::Bool(const JsonKey& key, bool value) {
  constexpr size_t kFalse = 5;
  char* to = Key(key, kFalse);
  std::memcpy(to, value ? "true?" : "false", kFalse);  // of one size; what follows covers the rest
  AtEnd(to + (value ? kFalse - 1 : kFalse));
}

void JsonObjectWriter::Raw(const JsonKey& key, std::string_view json) {
  AtEnd(Put(Key(key, json.size()), json));
}

void JsonObjectWriter::Members(std::string_view members) {
  if (members.empty()) return;
  char* to = Room(members.size() + 1);
  *to++ = ',';
  AtEnd(Put(to, members));
}

void JsonObjectWriter::Close() {
  if (at_ == begin_) AtEnd(Room(1) + 1);
  *Room(1) = '}';
  (*out_)[begin_] = '{';
  out_->resize(at_ + 1);
}

}  // namespace tallybus
