// A body that came with `Content-Encoding: gzip`, as it was before.
#ifndef TALLYBUS_APPS_RECEIVE_INFLATE_H_
#define TALLYBUS_APPS_RECEIVE_INFLATE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tallybus::receive {

// [any thread] One gzip member; nullopt where it is none, is cut, or would be larger than `most`.
std::optional<std::string> Inflate(std::string_view packed, size_t most);

}  // namespace tallybus::receive

#endif  // TALLYBUS_APPS_RECEIVE_INFLATE_H_
