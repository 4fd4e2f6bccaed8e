// Overrides from the command line, `--set key=value`, laid over the file's tree.
#include "overrides.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

namespace tallybus::config {
namespace {

constexpr size_t kMostKeys = 16;  // no path of the configuration is as long

absl::Status Malformed() {
  return absl::InvalidArgumentError(
      "--set: needs key=value, such as apps.defaultApp.timeout=5s; a key that holds a dot stands "
      "in "
      "double quotes");
}

// Takes a quoted key, its opening quote already taken, off the front of `rest`.
absl::StatusOr<std::string> TakeQuoted(std::string_view& rest) {
  std::string key;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return key;
    }
    if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
    key += rest[i];
  }
  return Malformed();
}

absl::StatusOr<std::string> TakeKey(std::string_view& rest) {
  if (rest.starts_with('"')) {
    rest.remove_prefix(1);
    return TakeQuoted(rest);
  }
  const size_t end = std::min(rest.find_first_of(".=\""), rest.size());
  if (end == 0) return Malformed();
  std::string key(rest.substr(0, end));
  rest.remove_prefix(end);
  return key;
}

// What stands where the file has nothing: the override is where it was written.
YamlNodePtr NodeAt(const Mark& mark) {
  auto node = std::make_shared<YamlNode>();
  node->mark = mark;
  return node;
}

// `node` with `value` under the path `keys`; `path` leads to `node`.
absl::StatusOr<YamlNodePtr> Replace(const YamlNodePtr& node, const std::string& path,
                                    std::span<const std::string> keys, const YamlNodePtr& value,
                                    const Mark& mark) {
  if (keys.empty()) return value;
  if (node->kind != YamlNode::Kind::kMapping && node->kind != YamlNode::Kind::kNull) {
    const std::string mend =
        path.empty() ? "" : absl::StrCat("; --set ", path, "=VALUE gives it whole");
    return absl::InvalidArgumentError(absl::StrCat(
        mark.ToString(), ": ", path.empty() ? "the top" : path, " holds no further keys", mend));
  }
  auto copy = std::make_shared<YamlNode>(*node);
  copy->kind = YamlNode::Kind::kMapping;
  const auto member = std::find_if(copy->members.begin(), copy->members.end(),
                                   [&](const YamlMember& m) { return m.key == keys.front(); });
  const YamlNodePtr before = member == copy->members.end() ? NodeAt(mark) : member->value;
  absl::StatusOr<YamlNodePtr> after =
      Replace(before, JoinPath(path, keys.front()), keys.subspan(1), value, mark);
  if (!after.ok()) return after.status();
  if (member == copy->members.end()) {
    copy->members.push_back({keys.front(), mark, *std::move(after)});
  } else {
    *member = {keys.front(), mark, *std::move(after)};
  }
  return copy;
}

}  // namespace

absl::StatusOr<Override> ParseOverride(std::string_view argument) {
  Override result;
  while (result.keys.size() < kMostKeys) {
    absl::StatusOr<std::string> key = TakeKey(argument);
    if (!key.ok()) return key.status();
    result.keys.push_back(*std::move(key));
    if (argument.empty() || argument.front() == '"') return Malformed();
    const bool last = argument.front() == '=';
    argument.remove_prefix(1);
    if (!last) continue;
    result.value = std::string(argument);
    return result;
  }
  return Malformed();
}

absl::StatusOr<YamlNodePtr> ApplyOverride(const YamlNodePtr& root, std::string_view argument) {
  absl::StatusOr<Override> parsed = ParseOverride(argument);
  if (!parsed.ok()) return parsed.status();
  std::string path;
  for (const std::string& key : parsed->keys) path = JoinPath(path, key);
  const std::string source = "--set " + path;
  absl::StatusOr<YamlNodePtr> value = ParseYaml(parsed->value, source, /*has_lines=*/false);
  if (!value.ok()) return value.status();
  const Mark mark = {std::make_shared<const std::string>(source), 0, 0};
  return Replace(root, "", parsed->keys, *value, mark);
}

}  // namespace tallybus::config
