// Reads Janus's events: missing members and wrong types read as empty or zero.
#include "event_json.h"

namespace tallybus::janus {
namespace {

bool ContinuesCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::string_view Cut(std::string_view text) {
  if (text.size() <= kMaxTextBytes) return text;
  size_t size = kMaxTextBytes;
  while (size > 0 && ContinuesCharacter(text[size])) --size;
  return text.substr(0, size);
}

}  // namespace

std::string_view Text(const json_t* object, const char* key) {
  const json_t* value = json_object_get(object, key);
  if (!json_is_string(value)) return {};
  return {json_string_value(value), json_string_length(value)};
}

std::string ShortText(const json_t* object, const char* key) {
  return std::string(Cut(Text(object, key)));
}

std::string Id(const json_t* object, const char* key) {
  const json_t* value = json_object_get(object, key);
  // Janus hands its unsigned ids to jansson, which knows only signed integers.
  if (json_is_integer(value)) {
    return std::to_string(static_cast<uint64_t>(json_integer_value(value)));
  }
  return ShortText(object, key);
}

int64_t Integer(const json_t* object, const char* key) {
  return json_integer_value(json_object_get(object, key));
}

}  // namespace tallybus::janus
