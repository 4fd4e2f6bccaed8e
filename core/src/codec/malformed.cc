// How a malformed message is told: a fixed word to count, and a detail to read.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include "tallybus/codec.h"

namespace tallybus {

absl::Status Malformed(std::string_view reason, std::string_view detail) {
  return absl::InvalidArgumentError(absl::StrCat(std::string(reason), ": ", std::string(detail)));
}

std::string_view MalformedReason(const absl::Status& status) {
  std::string_view message(status.message().data(), status.message().size());
  return message.substr(0, message.find(':'));
}

std::string EscapedPrefix(std::string_view bytes, size_t limit) {
  std::string out;
  for (unsigned char c : bytes.substr(0, limit)) {
    if (c >= 0x20 && c < 0x7f && c != '\\') {
      out.push_back(static_cast<char>(c));
    } else {
      absl::StrAppendFormat(&out, "\\x%02x", c);
    }
  }
  if (bytes.size() > limit) out += "...";
  return out;
}

}  // namespace tallybus
