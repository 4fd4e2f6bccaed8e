// Query strings, as forms and curl write them.
#include "transports/web/query_parameters.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <utility>

namespace tallybus {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// 0 to 15; -1: no hexadecimal digit.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

absl::StatusOr<std::string> FormDecode(absl::string_view text) {
  return PercentDecode(absl::StrReplaceAll(text, {{"+", " "}}));
}

// As much of a name as somebody may need to find it.
std::string Shown(std::string_view name) {
  constexpr size_t kMost = 40;
  return absl::CHexEscape(View(name.substr(0, kMost)));
}

}  // namespace

absl::StatusOr<std::string> PercentDecode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return absl::InvalidArgumentError("a % needs two hexadecimal digits behind it");
    }
    bytes += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return bytes;
}

absl::StatusOr<QueryParameters> QueryParameters::Parse(std::string_view query) {
  QueryParameters parameters;
  for (absl::string_view pair : absl::StrSplit(View(query), '&', absl::SkipEmpty())) {
    if (parameters.values_.size() == kMost) {
      return absl::InvalidArgumentError(absl::StrCat("more than ", kMost, " parameters"));
    }
    const size_t equals = std::min(pair.find('='), pair.size());
    absl::StatusOr<std::string> name = FormDecode(pair.substr(0, equals));
    if (!name.ok()) return name.status();
    absl::StatusOr<std::string> value = FormDecode(absl::ClippedSubstr(pair, equals + 1));
    if (!value.ok()) return value.status();
    if (name->empty()) return absl::InvalidArgumentError("a parameter has no name");
    if (!parameters.values_.emplace(*name, *std::move(value)).second) {
      return absl::InvalidArgumentError(absl::StrCat("parameter '", Shown(*name), "' comes twice"));
    }
  }
  return parameters;
}

const std::string* QueryParameters::Find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

absl::StatusOr<int64_t> QueryParameters::Integer(std::string_view name, int64_t otherwise,
                                                 int64_t least, int64_t most) const {
  const std::string* text = Find(name);
  if (text == nullptr) return otherwise;
  int64_t number = 0;
  if (!absl::SimpleAtoi(*text, &number) || number < least || number > most) {
    return absl::InvalidArgumentError(absl::StrCat(
        "parameter '", View(name), "' must be a whole number from ", least, " to ", most));
  }
  return number;
}

absl::Status QueryParameters::CheckNames(std::initializer_list<std::string_view> known) const {
  for (const auto& [name, value] : values_) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no parameter '", Shown(name), "' here"));
    }
  }
  return absl::OkStatus();
}

}  // namespace tallybus
