// zlib does it.
#include "transports/rest/gzip.h"

#include <absl/cleanup/cleanup.h>
#include <zlib.h>

#include <limits>

namespace tallybus::rest {
namespace {

constexpr int kGzip = 16;  // added to the window's bits: the gzip wrapper, without a name and time
constexpr int kMemory = 8;

}  // namespace

bool Gzip(std::string_view text, std::string* out) {
  if (text.empty() || text.size() > std::numeric_limits<uInt>::max()) return false;
  z_stream stream = {};
  // The fastest level: JSON shrinks to a fifth by it already.
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + kGzip, kMemory,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return false;
  }
  const absl::Cleanup ends = [&stream] { deflateEnd(&stream); };
  out->resize(text.size() - 1);  // no room for what is not smaller
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out->data());
  stream.avail_out = static_cast<uInt>(out->size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return false;
  out->resize(stream.total_out);
  return true;
}

}  // namespace tallybus::rest
