// Files are read whole.
#include "apps/explanation/input_file.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <fstream>
#include <iostream>
#include <string_view>

namespace tallybus {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;
constexpr std::string_view kFile = "file:";

}  // namespace

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& in = path == "-" ? std::cin : file;
  std::string text;
  char c = 0;
  while (text.size() <= kMostBytes && in.get(c)) text.push_back(c);
  if (in.bad() || (path != "-" && !file.is_open())) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' cannot be read"));
  }
  if (text.size() <= kMostBytes) return text;
  return absl::InvalidArgumentError(absl::StrCat("'", path, "' is too large"));
}

absl::StatusOr<std::string> ReadSecret(const std::string& text) {
  if (!text.starts_with(kFile)) return text;
  absl::StatusOr<std::string> read = ReadInput(text.substr(kFile.size()));
  if (!read.ok()) return read.status();
  if (read->ends_with('\n')) read->pop_back();
  if (read->ends_with('\r')) read->pop_back();
  return read;
}

}  // namespace tallybus
