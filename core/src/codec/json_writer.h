// Writes one JSON object, member by member, into a string.
#ifndef TALLYBUS_CODEC_JSON_WRITER_H_
#define TALLYBUS_CODEC_JSON_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tallybus {

// Appends `text` (UTF-8) as a JSON string with its quotes.
void AppendJsonString(std::string_view text, std::string* out);

// The string is whole after Close, and must not be looked at before.
class JsonObjectWriter {
 public:
  // Behind what *out holds; what it has reserved is used.
  explicit JsonObjectWriter(std::string* out);
  void String(std::string_view key, std::string_view value);
  void Int(std::string_view key, int64_t value);
  void Bool(std::string_view key, bool value);
  // `json` is any valid JSON value.
  void Raw(std::string_view key, std::string_view json);
  // `members` is valid JSON members without braces, or empty.
  void Members(std::string_view members);
  void Close();

 private:
  // Room for so many bytes more, where the next one goes.
  char* Room(size_t bytes) {
    if (out_->size() - at_ < bytes) Grow(bytes);
    return out_->data() + at_;
  }
  void Grow(size_t bytes);
  // Writes a comma where one is due, the key, and the colon; leaves room for so many bytes more.
  char* Key(std::string_view key, size_t bytes);
  void AtEnd(const char* end) { at_ = static_cast<size_t>(end - out_->data()); }

  std::string* out_;
  size_t at_;  // what is written; the string is longer
  bool first_ = true;
};

}  // namespace tallybus

#endif  // TALLYBUS_CODEC_JSON_WRITER_H_
