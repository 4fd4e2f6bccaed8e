// Reading by simdjson.
#include "apps/receive/json_text.h"

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

}  // namespace tallybus::receive
