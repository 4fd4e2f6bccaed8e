// simdjson validates and unescapes; a scanner over the now trusted text finds where members lie.
#include "codec/json_members.h"

#include <simdjson.h>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

// Walks text that is known to be one valid JSON object.
class MemberScanner {
 public:
  explicit MemberScanner(std::string_view json) : json_(json), at_(json.find('{') + 1) {}

  // The next member's whole text and its value.
  void Next(std::string_view* text, std::string_view* value) {
    SkipBetween();
    const size_t start = at_;
    SkipString();
    at_ = json_.find(':', at_) + 1;
    while (IsSpace(json_[at_])) ++at_;
    const size_t value_start = at_;
    SkipValue();
    *text = json_.substr(start, at_ - start);
    *value = json_.substr(value_start, at_ - value_start);
  }

 private:
  static bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  void SkipBetween() {
    while (IsSpace(json_[at_]) || json_[at_] == ',') ++at_;
  }

  void SkipString() {
    for (++at_; json_[at_] != '"'; ++at_) {
      if (json_[at_] == '\\') ++at_;
    }
    ++at_;
  }

  void SkipValue() {
    int depth = 0;
    do {
      const char c = json_[at_];
      if (c == '"') {
        SkipString();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    } while (depth > 0 || !AtEndOfValue());
  }

  bool AtEndOfValue() const {
    const char c = json_[at_];
    return c == ',' || c == '}' || IsSpace(c);
  }

  std::string_view json_;
  size_t at_;
};

absl::Status MalformedJson(simdjson::error_code error) {
  switch (error) {
    case simdjson::DEPTH_ERROR:
      return Malformed("too_deep", "nested over 64 levels");
    case simdjson::CAPACITY:
      return Malformed("too_large", "an object over 2 MiB");
    case simdjson::UTF8_ERROR:
      return Malformed("utf8", "not UTF-8");
    case simdjson::INCORRECT_TYPE:
      return Malformed("not_object", "JSON, but not an object");
    default:
      return Malformed("json", simdjson::error_message(error));
  }
}

void FillValue(const simdjson::dom::element& value, JsonMember* member) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    member->type = JsonMember::Type::kString;
    member->string = text;
  } else if (value.is_int64()) {
    member->type = JsonMember::Type::kInt;
    member->integer = value.get_int64().value_unsafe();
  } else if (value.is_bool()) {
    member->type = JsonMember::Type::kBool;
    member->boolean = value.get_bool().value_unsafe();
  } else if (value.is_object()) {
    member->type = JsonMember::Type::kObject;
  }
}

// Built once a thread: it keeps its buffers from event to event, up to the largest event.
simdjson::dom::parser& Parser() {
  static thread_local simdjson::dom::parser parser(kMaxJsonBytes);
  return parser;
}

}  // namespace

absl::Status SplitJsonObject(std::string_view json, std::vector<JsonMember>* members) {
  members->clear();
  simdjson::dom::parser& parser = Parser();
  if (parser.max_depth() != kMaxJsonDepth) {
    if (auto error = parser.allocate(json.size(), kMaxJsonDepth)) return MalformedJson(error);
  }
  simdjson::dom::element root;
  if (auto error = parser.parse(json.data(), json.size()).get(root)) return MalformedJson(error);
  simdjson::dom::object object;
  if (auto error = root.get(object)) return MalformedJson(error);
  MemberScanner scanner(json);
  for (auto [key, value] : object) {
    JsonMember& member = members->emplace_back();
    scanner.Next(&member.text, &member.value);
    member.key = key;
    FillValue(value, &member);
  }
  return absl::OkStatus();
}

}  // namespace tallybus
