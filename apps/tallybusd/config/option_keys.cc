// The keys below `options` of a route: read as text, and judged once its transport is known.
#include "option_keys.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "spelling.h"
#include "units.h"

namespace tallybus::config {
namespace {

constexpr size_t kMostSecretBytes = size_t{64} << 10;

absl::Status ReadInto(const Value& mapping, const std::string& prefix, std::vector<Option>& out) {
  auto members = mapping.Members();
  if (!members.ok()) return members.status();
  for (const auto& [key, value] : *members) {
    const std::string name = prefix + key;
    if (value.IsMapping()) {
      if (absl::Status status = ReadInto(value, name + ".", out); !status.ok()) return status;
      continue;
    }
    absl::StatusOr<std::string> text = value.Text();
    if (!text.ok()) return text.status();
    // `a.b: 1` beside `a: {b: 2}`, which YAML itself takes for two keys.
    if (std::any_of(out.begin(), out.end(), [&](const Option& o) { return o.name == name; })) {
      return value.KeyError("is written twice");
    }
    out.push_back({name, *std::move(text), value.Where(), value.KeyWhere()});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadSecret(const std::string& text) {
  if (!text.starts_with(kSecretFile)) return text;
  const std::string path = text.substr(kSecretFile.size());
  if (!path.starts_with('/')) {
    return absl::InvalidArgumentError("file: needs an absolute path behind it");
  }
  std::ifstream file(path, std::ios::binary);
  std::string secret(kMostSecretBytes + 1, '\0');
  file.read(secret.data(), static_cast<std::streamsize>(secret.size()));
  if (file.bad() || !file.eof()) {
    return absl::InvalidArgumentError(
        file.good() ? absl::StrCat(path, " has more than ", kMostSecretBytes, " bytes")
                    : absl::StrCat(path, " cannot be read"));
  }
  secret.resize(static_cast<size_t>(file.gcount()));
  // The line feed that an editor leaves at the end is none of the secret's.
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  return secret;
}

absl::StatusOr<std::string> ReadInteger(const std::string& text) {
  const size_t digits = text.starts_with('-') ? 1 : 0;
  int64_t number = 0;
  if (text.size() == digits || text.find_first_not_of("0123456789", digits) != std::string::npos ||
      !absl::SimpleAtoi(text, &number)) {
    return absl::InvalidArgumentError("must be a whole number of 64 bits");
  }
  return absl::StrCat(number);
}

absl::StatusOr<std::string> ReadAs(OptionType type, const std::string& text) {
  switch (type) {
    case OptionType::kText:
      break;
    case OptionType::kInteger:
      return ReadInteger(text);
    case OptionType::kBoolean:
      if (text == "true" || text == "false") return text;
      return absl::InvalidArgumentError("must be true or false");
    case OptionType::kDuration: {
      const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
      if (!duration.ok()) return duration.status();
      return absl::StrCat(absl::ToInt64Milliseconds(*duration));
    }
    case OptionType::kSize: {
      const absl::StatusOr<int64_t> size = ParseSize(text);
      if (!size.ok()) return size.status();
      return absl::StrCat(*size);
    }
    case OptionType::kSecret:
      return ReadSecret(text);
  }
  return text;
}

absl::Status At(const std::string& where, std::string_view message) {
  return absl::InvalidArgumentError(where + ": " + std::string(message));
}

absl::Status Unknown(const Option& option, std::span<const OptionSpec> specs) {
  if (specs.empty()) return At(option.key_where, "unknown option; this transport has none");
  std::vector<std::string_view> known;
  for (const OptionSpec& spec : specs) known.push_back(spec.name);
  return At(option.key_where, "unknown option; " + Suggest(option.name, known));
}

}  // namespace

absl::Status ReadOptions(const Value& options, std::vector<Option>& out) {
  return ReadInto(options, "", out);
}

const OptionSpec* FindSpec(std::span<const OptionSpec> specs, std::string_view name) {
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&](const OptionSpec& spec) { return spec.name == name; });
  return found == specs.end() ? nullptr : &*found;
}

absl::StatusOr<std::map<std::string, std::string>> ResolveOptions(std::span<const Option> options,
                                                                  std::span<const OptionSpec> specs,
                                                                  std::string_view where) {
  std::map<std::string, std::string> resolved;
  for (const Option& option : options) {
    const OptionSpec* spec = FindSpec(specs, option.name);
    if (spec == nullptr) return Unknown(option, specs);
    absl::StatusOr<std::string> value = ReadAs(spec->type, option.text);
    if (!value.ok()) return At(option.where, std::string(value.status().message()));
    resolved[option.name] = *std::move(value);
  }
  for (const OptionSpec& spec : specs) {
    if (!spec.required || resolved.contains(spec.name)) continue;
    return At(std::string(where), "needs the option " + spec.name + ": " + spec.meaning);
  }
  return resolved;
}

}  // namespace tallybus::config
