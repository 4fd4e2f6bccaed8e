// Byte by byte: what is no UTF-8 passes, and is no order to a terminal that reads UTF-8.
#include "apps/receive/visible.h"

#include <absl/strings/str_cat.h>

namespace tallybus::receive {

std::string Visible(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 =
        c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c >= 0x20 && c != 0x7F && !c1) {
      out += text[i];
      continue;
    }
    absl::StrAppend(&out, "\\x", absl::Hex(c, absl::kZeroPad2));
    if (!c1) continue;
    absl::StrAppend(&out, "\\x", absl::Hex(static_cast<unsigned char>(text[++i])));
  }
  return out;
}

}  // namespace tallybus::receive
