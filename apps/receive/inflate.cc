// zlib does it, by and by: what is small may become very large.
#include "apps/receive/inflate.h"

#include <absl/cleanup/cleanup.h>
#include <zlib.h>

#include <array>

namespace tallybus::receive {
namespace {

constexpr int kGzip = 16;  // added to the window's bits
constexpr size_t kStep = 16384;

}  // namespace

std::optional<std::string> Inflate(std::string_view packed, size_t most) {
  z_stream stream = {};
  if (inflateInit2(&stream, MAX_WBITS + kGzip) != Z_OK) return std::nullopt;
  const absl::Cleanup ends = [&stream] { inflateEnd(&stream); };
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  int state = Z_OK;
  while (state == Z_OK && text.size() <= most) {
    std::array<char, kStep> part;
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = kStep;
    state = inflate(&stream, Z_NO_FLUSH);
    text.append(part.data(), kStep - stream.avail_out);
  }
  if (state != Z_STREAM_END || text.size() > most) return std::nullopt;
  return text;
}

}  // namespace tallybus::receive
