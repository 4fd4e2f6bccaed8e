// Variables of the environment in configuration values.
#include "variables.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdlib>

namespace tallybus::config {
namespace {

bool IsName(std::string_view name) {
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name.front()))) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || absl::ascii_isalnum(static_cast<unsigned char>(c));
  });
}

// The value of what stands between ${ and }.
absl::StatusOr<std::string> Resolve(std::string_view inner, const GetEnv& getenv) {
  const size_t split = inner.find(":-");
  const std::string name(inner.substr(0, split));
  if (!IsName(name)) {
    return absl::InvalidArgumentError(
        "between ${ and } stands the name of a variable, or a name and a default: ${X:-default}");
  }
  std::optional<std::string> value = getenv(name);
  if (split != std::string_view::npos && value.value_or("").empty()) {
    return std::string(inner.substr(split + 2));
  }
  if (!value) {
    return absl::InvalidArgumentError(absl::StrCat("the environment variable ", name,
                                                   " is not set; ${", name,
                                                   ":-default} would stand in for it"));
  }
  return *std::move(value);
}

}  // namespace

std::optional<std::string> ProcessEnvironment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::StatusOr<std::string> ExpandVariables(std::string_view text, const GetEnv& getenv) {
  std::string result;
  while (!text.empty()) {
    const size_t dollar = text.find('$');
    result += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      result += '$';
      text.remove_prefix(1);
      continue;
    }
    if (!text.starts_with('{')) {
      return absl::InvalidArgumentError(
          "a lone $: write ${X} for the variable X, and $$ for a dollar");
    }
    const size_t end = text.find('}');
    if (end == std::string_view::npos) return absl::InvalidArgumentError("${ without its }");
    absl::StatusOr<std::string> value = Resolve(text.substr(1, end - 1), getenv);
    if (!value.ok()) return value.status();
    result += *value;
    text.remove_prefix(end + 1);
  }
  return result;
}

}  // namespace tallybus::config
