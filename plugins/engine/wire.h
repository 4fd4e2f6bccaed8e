// The protobuf wire format, as much of it as the bus needs: this library must not link protobuf,
// since it lives in processes that may bring their own.
//
// Whatever is encoded is described once, as a function template over its output: run with a Sizer
// it gives the size, run with a Writer it writes into place. Fields are written in the order of
// their numbers, so the bytes are those of the protobuf runtime; the tests compare them.
#ifndef TALLYBUS_PLUGINS_ENGINE_WIRE_H_
#define TALLYBUS_PLUGINS_ENGINE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tallybus::engine {

enum class WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr size_t VarintSize(uint64_t value) {
  if (value < 0x80) return 1;
  const auto bits = static_cast<size_t>(64 - __builtin_clzll(value));
  return (bits * 9 + 64) / 64;  // bits / 7, rounded up
}

constexpr size_t TagSize(uint32_t field) { return VarintSize(uint64_t{field} << 3); }

// The size of a field of bytes, tag and length included.
constexpr size_t BytesFieldSize(uint32_t field, size_t size) {
  return TagSize(field) + VarintSize(size) + size;
}

inline void StoreFixed64(uint8_t* out, uint64_t value) {
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  std::memcpy(out, &value, sizeof(value));
}

// A varint and as many bytes at `out`; gives the place behind them.
uint8_t* AppendBytes(uint8_t* out, const char* data, size_t size);
uint8_t* AppendVarint(uint8_t* out, uint64_t value);

// Adds up what a Writer would write.
class Sizer {
 public:
  void Varint(uint32_t field, uint64_t value) { size_ += TagSize(field) + VarintSize(value); }
  void TimeVarint(uint32_t field, uint64_t value) { Varint(field, value); }
  void Fixed64(uint32_t field, uint64_t) { size_ += TagSize(field) + 8; }
  void Bytes(uint32_t field, std::string_view bytes) {
    size_ += BytesFieldSize(field, bytes.size());
  }
  template <size_t kSize>
  void Literal(uint32_t field, const char (&)[kSize]) {
    size_ += BytesFieldSize(field, kSize - 1);
  }
  size_t size() const { return size_; }

 private:
  size_t size_ = 0;
};

// Writes to memory that its caller has found large enough.
class Writer {
 public:
  explicit Writer(void* out) : out_(static_cast<uint8_t*>(out)) {}

  void Varint(uint32_t field, uint64_t value) {
    Tag(field, WireType::kVarint);
    Raw(value);
  }
  // As Varint, quick where the value is large. Eight bytes of the message must follow, which are
  // written later: it may write there.
  void TimeVarint(uint32_t field, uint64_t value) {
    Tag(field, WireType::kVarint);
    if (value >> 56 != 0) return Raw(value);
    // Eight groups of seven bits, each moved into a byte of its own.
    uint64_t spread = (value & 0x00fffffff0000000) << 4 | (value & 0x000000000fffffff);
    spread = (spread & 0x0fffc0000fffc000) << 2 | (spread & 0x00003fff00003fff);
    spread = (spread & 0x3f803f803f803f80) << 1 | (spread & 0x007f007f007f007f);
    const size_t size = VarintSize(value);
    spread |= 0x0080808080808080 >> (8 - size) * 8;
    StoreFixed64(out_, spread);
    out_ += size;
  }
  void Fixed64(uint32_t field, uint64_t value) {
    Tag(field, WireType::kFixed64);
    StoreFixed64(out_, value);
    out_ += 8;
  }
  void Bytes(uint32_t field, std::string_view bytes) {
    Tag(field, WireType::kBytes);
    out_ = AppendBytes(out_, bytes.data(), bytes.size());
  }
  // Of a size that the compiler knows.
  template <size_t kSize>
  void Literal(uint32_t field, const char (&text)[kSize]) {
    Length(field, kSize - 1);
    std::memcpy(out_, text, kSize - 1);
    out_ += kSize - 1;
  }
  // The head of a field of bytes; the caller writes `size` bytes next.
  void Length(uint32_t field, size_t size) {
    Tag(field, WireType::kBytes);
    Raw(size);
  }

 private:
  void Tag(uint32_t field, WireType type) { Raw(field << 3 | static_cast<uint32_t>(type)); }
  void Raw(uint64_t value) {
    if (value < 0x80) {
      *out_++ = static_cast<uint8_t>(value);
    } else {
      out_ = AppendVarint(out_, value);
    }
  }

  uint8_t* out_;
};

// Fields without presence are left out where they are empty.
template <typename Out>
void BytesUnlessEmpty(Out& out, uint32_t field, std::string_view bytes) {
  if (!bytes.empty()) out.Bytes(field, bytes);
}
template <typename Out>
void VarintUnlessZero(Out& out, uint32_t field, uint64_t value) {
  if (value != 0) out.Varint(field, value);
}

// Goes through the fields of a message:
//   Reader in(message);
//   while (in.Next()) switch (in.field()) ...
//   return in.ok();
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}

  // Moves to the next field. False: the end, or, where ok() is false, bytes that are no message.
  bool Next();
  bool ok() const { return ok_; }

  uint32_t field() const { return field_; }
  uint64_t number() const { return number_; }        // of a varint or a fixed field, else 0
  std::string_view bytes() const { return bytes_; }  // of a field of bytes, else empty
  std::string_view raw() const { return raw_; }      // the whole field, tag included

 private:
  bool TakeField();
  bool TakeVarint(uint64_t* value);
  bool TakeFixed(size_t size);
  bool TakeBytes();

  std::string_view rest_;
  bool ok_ = true;
  uint32_t field_ = 0;
  uint64_t number_ = 0;
  std::string_view bytes_;
  std::string_view raw_;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_WIRE_H_
