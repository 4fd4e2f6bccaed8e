// Writes one JSON object, member by member, into a string.
#ifndef TALLYBUS_CODEC_JSON_WRITER_H_
#define TALLYBUS_CODEC_JSON_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace tallybus {

// Appends `text` (UTF-8) as a JSON string with its quotes.
void AppendJsonString(std::string_view text, std::string* out);

class JsonObjectWriter {
 public:
  explicit JsonObjectWriter(std::string* out) : out_(out) { out_->push_back('{'); }
  void String(std::string_view key, std::string_view value);
  void Int(std::string_view key, int64_t value);
  void Bool(std::string_view key, bool value);
  // `json` is any valid JSON value.
  void Raw(std::string_view key, std::string_view json);
  // `members` is valid JSON members without braces, or empty.
  void Members(std::string_view members);
  void Close() { out_->push_back('}'); }

 private:
  void Key(std::string_view key);
  void Comma();

  std::string* out_;
  bool first_ = true;
};

}  // namespace tallybus

#endif  // TALLYBUS_CODEC_JSON_WRITER_H_
