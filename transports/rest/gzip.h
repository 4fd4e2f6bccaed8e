// Bodies in fewer bytes. Pure.
#ifndef TALLYBUS_REST_GZIP_H_
#define TALLYBUS_REST_GZIP_H_

#include <string>
#include <string_view>

namespace tallybus::rest {

// Replaces *out by `text` as one gzip member (RFC 1952). False where that is not smaller: *out is
// of no use then. The same text gives the same bytes.
bool Gzip(std::string_view text, std::string* out);

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_GZIP_H_
