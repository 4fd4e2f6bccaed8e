// Reading by simdjson, writing by hand.
#include "apps/receive/json_text.h"

#include <absl/strings/str_cat.h>
#include <simdjson.h>

namespace tallybus::receive {
namespace {

std::string StringMember(const simdjson::dom::object& object, const char* key) {
  std::string_view value;
  if (object[key].get(value) != simdjson::SUCCESS) return "";
  return std::string(value);
}

std::string WithoutWhiteSpace(std::string_view json) {
  // simdjson writes whole registers: it wants room beyond the text.
  std::string text(json.size() + simdjson::SIMDJSON_PADDING, '\0');
  size_t size = 0;
  if (simdjson::minify(json.data(), json.size(), text.data(), size) != simdjson::SUCCESS) return "";
  text.resize(size);
  return text;
}

// Bytes of the UTF-8 sequence that `text` begins with; 0 where it is none.
size_t SequenceLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length > text.size() || !simdjson::validate_utf8(text.data(), length)) return 0;
  return length;
}

}  // namespace

std::optional<EventFields> ReadEventFields(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS) return std::nullopt;
  EventFields fields;
  fields.status = StringMember(object, "status");
  fields.name = StringMember(object, "name");
  fields.session_id = StringMember(object, "sessionId");
  fields.info = StringMember(object, "info");
  fields.one_line = WithoutWhiteSpace(json);
  return fields;
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    const size_t length = SequenceLength(text);
    if (c == '"' || c == '\\') {
      out.append({'\\', text[0]});
    } else if (c < 0x20) {
      absl::StrAppend(&out, "\\u", absl::Hex(c, absl::kZeroPad4));
    } else if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
  return out;
}

}  // namespace tallybus::receive
