// A JSON object taken apart into its top-level members, each with the bytes that it came as.
#ifndef TALLYBUS_CODEC_JSON_MEMBERS_H_
#define TALLYBUS_CODEC_JSON_MEMBERS_H_

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/event.h"

namespace tallybus {

// Deeper objects are refused: nobody sends them in good faith, and readers recurse.
inline constexpr size_t kMaxJsonDepth = 64;
// The largest object that is read: an event of the largest size with room for ids put in front.
inline constexpr size_t kMaxJsonBytes = 2 * kMaxEventBytes;

struct JsonMember {
  enum class Type { kString, kInt, kBool, kObject, kOther };
  std::string_view text;   // `"key": value` as it came, without surrounding space
  std::string_view value;  // of that, the value
  std::string key;         // unescaped
  Type type = Type::kOther;
  std::string string;    // unescaped, of kString
  int64_t integer = 0;   // of kInt
  bool boolean = false;  // of kBool
};

// Fully validates `json` (one object, UTF-8, depth, size). The views point into `json`. Errors are
// those of Malformed: json, not_object, too_deep, too_large, utf8.
absl::Status SplitJsonObject(std::string_view json, std::vector<JsonMember>* members);

}  // namespace tallybus

#endif  // TALLYBUS_CODEC_JSON_MEMBERS_H_
