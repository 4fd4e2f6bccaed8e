// What could have been meant: the nearest of some known words.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_SPELLING_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_SPELLING_H_

#include <string>
#include <string_view>
#include <vector>

namespace tallybus::config {

// How many letters must be added, removed or replaced to get from one word to the other.
size_t EditDistance(std::string_view a, std::string_view b);

// `did you mean "timeout"?` where a known word differs in at most a third of its letters; else
// `known: a, b, c`.
std::string Suggest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_SPELLING_H_
