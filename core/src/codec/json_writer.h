// Writes one JSON object, member by member, into a string.
#ifndef TALLYBUS_CODEC_JSON_WRITER_H_
#define TALLYBUS_CODEC_JSON_WRITER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tallybus {

// Appends `text` (UTF-8) as a JSON string with its quotes.
void AppendJsonString(std::string_view text, std::string* out);

// A key with all that stands before its value, put together by the compiler: ,"key":
class JsonKey {
 public:
  // It is copied whole whatever its length is: that is two instructions, and neither call nor loop.
  static constexpr size_t kRoom = 32;

  // `key` needs no escapes.
  template <size_t kSize>
  consteval JsonKey(const char (&key)[kSize])  // NOLINT(google-explicit-constructor)
      : size_(kSize + 3) {
    static_assert(kSize + 3 <= kRoom, "a longer key needs more room");
    text_[0] = ',';
    text_[1] = '"';
    std::copy_n(key, kSize - 1, text_ + 2);
    text_[kSize + 1] = '"';
    text_[kSize + 2] = ':';
  }
  // Writes kRoom bytes, and gives the place of the value.
  char* Put(char* to) const {
    std::memcpy(to, text_, kRoom);
    return to + size_;
  }

 private:
  char text_[kRoom] = {};
  size_t size_;
};

// The string is whole after Close, and must not be looked at before.
class JsonObjectWriter {
 public:
  // Behind what *out holds; what it has reserved is used.
  explicit JsonObjectWriter(std::string* out);
  void String(const JsonKey& key, std::string_view value);
  void Int(const JsonKey& key, int64_t value);
  void Bool(const JsonKey& key, bool value);
  // `json` is any valid JSON value.
  void Raw(const JsonKey& key, std::string_view json);
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
  // Writes the key; leaves room for so many bytes more.
  char* Key(const JsonKey& key, size_t bytes) { return key.Put(Room(JsonKey::kRoom + bytes)); }
  // The rest of a string that begins before `at`.
  void Escaped(std::string_view value, const char* at);
  void AtEnd(const char* end) { at_ = static_cast<size_t>(end - out_->data()); }

  std::string* out_;
  const size_t begin_;  // each member begins with a comma; the first one's becomes the brace
  size_t at_;           // what is written; the string is longer
};

}  // namespace tallybus

#endif  // TALLYBUS_CODEC_JSON_WRITER_H_
