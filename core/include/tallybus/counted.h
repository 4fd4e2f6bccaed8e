// How a line for people counts things.
#ifndef TALLYBUS_COUNTED_H_
#define TALLYBUS_COUNTED_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace tallybus {

// [any thread] "1 row", "2 rows". `plural` is for a noun that an s does not make one of.
std::string Counted(uint64_t count, std::string_view noun, std::string_view plural = {});

}  // namespace tallybus

#endif  // TALLYBUS_COUNTED_H_
