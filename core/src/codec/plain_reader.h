// A reader of the plainest protobuf there is, field after field, without a message of its own.
#ifndef TALLYBUS_CODEC_PLAIN_READER_H_
#define TALLYBUS_CODEC_PLAIN_READER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tallybus {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2 };

// Each function reads what is next, and is false where the bytes are not that, or not whole.
class PlainReader {
 public:
  explicit PlainReader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  bool AtEnd() const { return at_ == end_; }
  // A field's number and, in its three lowest bits, what follows: see TagOf.
  bool Tag(uint64_t* tag) { return Varint(tag, kMostShortBytes); }
  bool Number(uint64_t* value) { return Varint(value, kMostBytes); }
  bool Fixed(uint64_t* value) {
    if (end_ - at_ < 8) return false;
    std::memcpy(value, at_, 8);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    *value = __builtin_bswap64(*value);
#endif
    at_ += 8;
    return true;
  }
  bool Bytes(std::string_view* bytes) {
    uint64_t size;
    if (!Varint(&size, kMostShortBytes) || size > static_cast<uint64_t>(end_ - at_)) return false;
    *bytes = {at_, static_cast<size_t>(size)};
    at_ += size;
    return true;
  }

 private:
  // Protobuf reads no longer ones: of 64 bits, and of a tag or a size.
  static constexpr int kMostBytes = 10;
  static constexpr int kMostShortBytes = 5;

  bool Varint(uint64_t* value, int most_bytes) {
    if (at_ != end_ && static_cast<unsigned char>(*at_) < 0x80) {
      *value = static_cast<unsigned char>(*at_++);
      return true;
    }
    return LongVarint(value, most_bytes);
  }
  bool LongVarint(uint64_t* value, int most_bytes) {
    const char* at = at_;
    *value = 0;
    for (int shift = 0; shift < 7 * most_bytes && at != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at++);
      *value |= uint64_t{byte & 0x7fu} << shift;
      if (byte >= 0x80) continue;
      at_ = at;
      return true;
    }
    return false;
  }

  const char* at_;
  const char* end_;
};

constexpr uint64_t TagOf(int number, WireType type) {
  return static_cast<uint64_t>(number) << 3 | type;
}

}  // namespace tallybus

#endif  // TALLYBUS_CODEC_PLAIN_READER_H_
