// Text of strangers on a terminal.
#ifndef TALLYBUS_APPS_RECEIVE_VISIBLE_H_
#define TALLYBUS_APPS_RECEIVE_VISIBLE_H_

#include <string>
#include <string_view>

namespace tallybus::receive {

// [any thread] `text` with what a terminal obeys as \xNN: U+0000 to U+001F, U+007F and, as UTF-8,
// U+0080 to U+009F. The rest is left as it is.
std::string Visible(std::string_view text);

}  // namespace tallybus::receive

#endif  // TALLYBUS_APPS_RECEIVE_VISIBLE_H_
