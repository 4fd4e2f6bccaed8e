// The little JSON that the development backend and the command line read.
#ifndef TALLYBUS_APPS_RECEIVE_JSON_TEXT_H_
#define TALLYBUS_APPS_RECEIVE_JSON_TEXT_H_

#include <optional>
#include <string>
#include <string_view>

namespace tallybus::receive {

// What a readable line shows of an event's object; empty where absent or not a string.
struct EventFields {
  std::string status;
  std::string name;
  std::string session_id;
  std::string info;
  std::string one_line;  // the object without white space between its tokens
};

// nullopt: not a JSON object.
std::optional<EventFields> ReadEventFields(std::string_view json);

}  // namespace tallybus::receive

#endif  // TALLYBUS_APPS_RECEIVE_JSON_TEXT_H_
