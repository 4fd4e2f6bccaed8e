// A strict reader of configuration values.
#include "config_reader.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "plain_text.h"
#include "tallybus/codec.h"
#include "units.h"

namespace tallybus::config {
namespace {

constexpr const char* kLater = "not in this version yet";

std::string_view KindName(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kText:
      return "text";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMapping:
      return "a mapping";
  }
  return "";
}

std::string OutOfRange(std::string_view least, std::string_view most) {
  return "must be from " + std::string(least) + " to " + std::string(most);
}

bool IsNumber(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// As JSON writes them: 007 and .5 are texts.
bool IsJsonLiteral(std::string_view text) {
  if (text == "true" || text == "false") return true;
  const auto skip_digits = [&text] {
    const size_t digits = std::min(text.size(), text.find_first_not_of("0123456789"));
    text.remove_prefix(digits);
    return digits > 0;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool leading_zero = text.starts_with('0');
  const size_t before = text.size();
  if (!skip_digits() || (leading_zero && before - text.size() > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!skip_digits()) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (!skip_digits()) return false;
  }
  return text.empty();
}

}  // namespace

std::string Value::WhereAt(const Mark& mark) const {
  std::string place = mark.ToString();
  // An override that names the very key need not name it twice.
  if (path_.empty() || place == "--set " + path_) return place;
  return absl::StrCat(place, ": ", path_);
}

absl::Status Value::Error(std::string_view message) const {
  return Error(absl::InvalidArgumentError(std::string(message)));
}

absl::Status Value::Error(const absl::Status& cause) const {
  return absl::Status(cause.code(), absl::StrCat(Where(), ": ", cause.message()));
}

absl::Status Value::KeyError(std::string_view message) const {
  return absl::InvalidArgumentError(WhereAt(key_mark_) + ": " + std::string(message));
}

absl::Status Value::LaterValue(std::string_view detail) const {
  const std::string more = detail.empty() ? "" : ": " + std::string(detail);
  return Error(absl::UnimplementedError(absl::StrCat(kLater, more)));
}

absl::Status Value::LaterKey() const {
  return absl::UnimplementedError(absl::StrCat(WhereAt(key_mark_), ": ", kLater));
}

absl::Status Value::Wrong(std::string_view wanted) const {
  if (node_->kind == YamlNode::Kind::kNull) {
    return Error("has no value; leave the key out for its default");
  }
  const std::string mend =
      node_->mark.ToString().starts_with("--set " + path_ + ".")
          ? "; it takes no further keys: --set " + path_ + "=VALUE gives it whole"
          : "";
  return Error("must be " + std::string(wanted) + ", not " + std::string(KindName(node_->kind)) +
               mend);
}

absl::StatusOr<std::string> Value::Text() const {
  if (node_->kind != YamlNode::Kind::kText) return Wrong("text");
  absl::StatusOr<std::string> text = ExpandVariables(node_->text, *getenv_);
  if (!text.ok()) return Error(text.status());
  if (FindNotPlain(*text) != std::string::npos) {
    return Error("holds a control character, or bytes that are not UTF-8");
  }
  return text;
}

absl::StatusOr<int64_t> Value::Integer(int64_t least, int64_t most) const {
  absl::StatusOr<std::string> text = Text();
  if (!text.ok()) return text.status();
  if (!IsNumber(*text)) return Error("must be a whole number");
  int64_t number = 0;
  if (!absl::SimpleAtoi(*text, &number) || number < least || number > most) {
    return Error(OutOfRange(std::to_string(least), std::to_string(most)));
  }
  return number;
}

absl::StatusOr<absl::Duration> Value::Duration(absl::Duration least, absl::Duration most) const {
  absl::StatusOr<std::string> text = Text();
  if (!text.ok()) return text.status();
  absl::StatusOr<absl::Duration> duration = ParseDuration(*text);
  if (!duration.ok()) return Error(duration.status());
  if (*duration < least || *duration > most) {
    return Error(OutOfRange(DurationText(least), DurationText(most)));
  }
  return duration;
}

absl::StatusOr<int64_t> Value::Size(int64_t least, int64_t most) const {
  absl::StatusOr<std::string> text = Text();
  if (!text.ok()) return text.status();
  absl::StatusOr<int64_t> size = ParseSize(*text);
  if (!size.ok()) return Error(size.status());
  if (*size < least || *size > most) return Error(OutOfRange(SizeText(least), SizeText(most)));
  return size;
}

absl::StatusOr<std::string> Value::Json() const {
  if (IsNothing()) return "null";
  if (IsList()) return JsonList();
  if (IsMapping()) return JsonObject();
  absl::StatusOr<std::string> text = ExpandVariables(node_->text, *getenv_);
  if (!text.ok()) return Error(text.status());
  return node_->plain && IsJsonLiteral(*text) ? *text : JsonString(*text);
}

absl::StatusOr<std::string> Value::JsonList() const {
  const absl::StatusOr<std::vector<Value>> items = Items();
  if (!items.ok()) return items.status();
  std::vector<std::string> parts;
  for (const Value& item : *items) {
    absl::StatusOr<std::string> json = item.Json();
    if (!json.ok()) return json.status();
    parts.push_back(*std::move(json));
  }
  return absl::StrCat("[", absl::StrJoin(parts, ","), "]");
}

absl::StatusOr<std::string> Value::JsonObject() const {
  const auto members = Members();
  if (!members.ok()) return members.status();
  std::vector<std::string> parts;
  for (const auto& [key, member] : *members) {
    absl::StatusOr<std::string> json = member.Json();
    if (!json.ok()) return json.status();
    parts.push_back(absl::StrCat(JsonString(key), ":", *json));
  }
  return absl::StrCat("{", absl::StrJoin(parts, ","), "}");
}

absl::StatusOr<std::vector<Value>> Value::Items() const {
  if (!IsList()) return Wrong("a list");
  std::vector<Value> items;
  for (size_t i = 0; i < node_->items.size(); ++i) {
    items.emplace_back(node_->items[i], absl::StrCat(path_, "[", i, "]"), mark(), *getenv_);
  }
  return items;
}

absl::StatusOr<std::vector<std::string>> Value::Texts(
    std::string_view (*wrong)(const std::string& text)) const {
  absl::StatusOr<std::vector<Value>> items = Items();
  if (!items.ok()) return items.status();
  std::vector<std::string> texts;
  for (const Value& item : *items) {
    absl::StatusOr<std::string> text = item.Text();
    if (!text.ok()) return text.status();
    if (const std::string_view error = wrong(*text); !error.empty()) return item.Error(error);
    texts.push_back(*std::move(text));
  }
  return texts;
}

absl::StatusOr<std::vector<std::pair<std::string, Value>>> Value::Members() const {
  std::vector<std::pair<std::string, Value>> members;
  if (node_->kind == YamlNode::Kind::kNull) return members;
  if (node_->kind != YamlNode::Kind::kMapping) return Wrong("a mapping");
  for (const YamlMember& member : node_->members) {
    members.emplace_back(member.key,
                         Value(member.value, JoinPath(path_, member.key), member.mark, *getenv_));
  }
  return members;
}

}  // namespace tallybus::config
