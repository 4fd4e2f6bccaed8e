// Reads Janus's events: every accessor takes whatever is there, of whatever type, and never fails.
#ifndef TALLYBUS_PLUGINS_JANUS_EVENT_JSON_H_
#define TALLYBUS_PLUGINS_JANUS_EVENT_JSON_H_

#include <jansson.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tallybus::janus {

// Display names and reasons come from strangers; longer ones are cut at a character's end.
inline constexpr size_t kMaxTextBytes = 256;

// The string at key, valid while object lives; empty where there is none.
std::string_view Text(const json_t* object, const char* key);

// The same, copied and cut to kMaxTextBytes.
std::string ShortText(const json_t* object, const char* key);

// A room, feed or mountpoint: Janus numbers them, or names them under string_ids. Empty: none.
std::string Id(const json_t* object, const char* key);

// The integer at key; 0 where there is none.
int64_t Integer(const json_t* object, const char* key);

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_EVENT_JSON_H_
