// How a line for people counts things.
#include "tallybus/counted.h"

#include <absl/strings/str_cat.h>

namespace tallybus {

std::string Counted(uint64_t count, std::string_view noun, std::string_view plural) {
  if (count == 1) return absl::StrCat("1 ", std::string(noun));
  if (!plural.empty()) return absl::StrCat(count, " ", std::string(plural));
  return absl::StrCat(count, " ", std::string(noun), "s");
}

}  // namespace tallybus
