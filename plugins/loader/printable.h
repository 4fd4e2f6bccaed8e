// Text of a plugin or its peer, as it may be passed on.
#ifndef TALLYBUS_PLUGINS_LOADER_PRINTABLE_H_
#define TALLYBUS_PLUGINS_LOADER_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace tallybus::loader {

// Printable ASCII in its place, `?` for any other byte; cut to `most` bytes.
std::string Printable(std::string_view text, size_t most);

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_PRINTABLE_H_
