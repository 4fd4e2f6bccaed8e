// Text that can be kept, printed and sent on: UTF-8 without control characters.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_PLAIN_TEXT_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_PLAIN_TEXT_H_

#include <string_view>

namespace tallybus::config {

// Where the first byte is that does not belong to well-formed UTF-8 (RFC 3629), or that is a
// control character; npos: there is none. Tab, line feed and carriage return pass if
// `allow_layout`.
size_t FindNotPlain(std::string_view text, bool allow_layout = false);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_PLAIN_TEXT_H_
