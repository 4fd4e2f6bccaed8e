// Text of a plugin or its peer, as it may be passed on.
#include "plugins/loader/printable.h"

#include <algorithm>

namespace tallybus::loader {

std::string Printable(std::string_view text, size_t most) {
  std::string clean(text.substr(0, most));
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return clean;
}

}  // namespace tallybus::loader
