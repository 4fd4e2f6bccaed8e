// How the command line and the development backend show one event: one readable line.
#ifndef TALLYBUS_APPS_RECEIVE_EVENT_LINE_H_
#define TALLYBUS_APPS_RECEIVE_EVENT_LINE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tallybus::receive {

// What is empty or 0 is left out, but for status and name, which then show as "-".
struct EventLine {
  std::string_view time;
  std::string_view method;
  std::string_view status;
  std::string_view name;
  std::string_view session_id;
  std::string_view info;
  std::string_view id;
  std::string_view lane;
  uint64_t sequence = 0;  // shown with the lane only
  uint64_t attempt = 0;
  std::string_view answer;         // what was answered
  std::vector<std::string> marks;  // "duplicate"
};

// No newline. Control characters are escaped, so that an event cannot drive a terminal, and every
// value is cut at 160 bytes.
std::string FormatEventLine(const EventLine& line);

}  // namespace tallybus::receive

#endif  // TALLYBUS_APPS_RECEIVE_EVENT_LINE_H_
