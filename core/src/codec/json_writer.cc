// JSON text by hand: the protobuf printer is an order slower.
#include "codec/json_writer.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

// The letter after the backslash for those control characters that have one; 'u' for the rest.
char ShortEscape(unsigned char c) {
  switch (c) {
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '"':
      return '"';
    case '\\':
      return '\\';
    default:
      return 'u';
  }
}

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

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  size_t plain = 0;  // start of what needs no escape and is not yet copied
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out->append(text.substr(plain, i - plain));
    plain = i + 1;
    const char letter = ShortEscape(c);
    out->push_back('\\');
    out->push_back(letter);
    if (letter == 'u') {
      out->append("00");
      out->push_back(kHex[c >> 4]);
      out->push_back(kHex[c & 15]);
    }
  }
  out->append(text.substr(plain));
  out->push_back('"');
}

std::string JsonString(std::string_view text) {
  std::string out;
  const bool valid = simdjson::validate_utf8(text.data(), text.size());
  AppendJsonString(valid ? text : ValidUtf8(text), &out);
  return out;
}

void JsonObjectWriter::Comma() {
  if (!first_) out_->push_back(',');
  first_ = false;
}

void JsonObjectWriter::Key(std::string_view key) {
  Comma();
  out_->push_back('"');
  out_->append(key);
  out_->append("\":");
}

void JsonObjectWriter::String(std::string_view key, std::string_view value) {
  Key(key);
  AppendJsonString(value, out_);
}

void JsonObjectWriter::Int(std::string_view key, int64_t value) {
  Key(key);
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  out_->append(digits, end.ptr);
}

void JsonObjectWriter::Bool(std::string_view key, bool value) {
  Key(key);
  out_->append(value ? "true" : "false");
}

void JsonObjectWriter::Raw(std::string_view key, std::string_view json) {
  Key(key);
  out_->append(json);
}

void JsonObjectWriter::Members(std::string_view members) {
  if (members.empty()) return;
  Comma();
  out_->append(members);
}

}  // namespace tallybus
