// Fields of an event's object against what was expected of them.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_JSON_MATCH_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_JSON_MATCH_H_

#include <optional>
#include <string>
#include <string_view>

namespace tallybus::check {

// What is wrong with the field of this path in `object`: "is \"PLAYING\", not \"STOPPED\"", "is not
// there", "is there: \"v=0\""; empty: nothing. `wanted` is JSON; nullopt: it must not be there. The
// path is a member's name, or several with dots between them. Numbers are compared by value,
// members in any order. Long values are cut.
std::string Mismatch(std::string_view object, std::string_view path,
                     const std::optional<std::string>& wanted);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_JSON_MATCH_H_
