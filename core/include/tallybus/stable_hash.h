// FNV-1a of 64 bits: the same in every process and version, so that what is kept or sent may rely
// on it. No protection against who chooses the text.
#ifndef TALLYBUS_STABLE_HASH_H_
#define TALLYBUS_STABLE_HASH_H_

#include <cstdint>
#include <string_view>

namespace tallybus {

// A further hash of the same text: give the first one as `seed`.
constexpr uint64_t StableHash(std::string_view text, uint64_t seed = 0xcbf29ce484222325u) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return seed;
}

}  // namespace tallybus

#endif  // TALLYBUS_STABLE_HASH_H_
