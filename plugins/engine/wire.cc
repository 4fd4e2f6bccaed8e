// The reading half of the wire format, which trusts nothing: every length is checked. And what the
// writing half does not inline: a publish finds its code cold, so the little there is, the better.
#include "wire.h"

namespace tallybus::engine {
namespace {

// Two words that may overlap copy any size from one word to two.
template <size_t kWord>
void CopyEnds(uint8_t* out, const char* data, size_t size) {
  char first[kWord], last[kWord];
  std::memcpy(first, data, kWord);
  std::memcpy(last, data + size - kWord, kWord);
  std::memcpy(out, first, kWord);
  std::memcpy(out + size - kWord, last, kWord);
}

}  // namespace

[[gnu::hot]] uint8_t* AppendVarint(uint8_t* out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<uint8_t>(value | 0x80);
  *out++ = static_cast<uint8_t>(value);
  return out;
}

[[gnu::hot]] uint8_t* AppendBytes(uint8_t* out, const char* data, size_t size) {
  if (size < 0x80) {
    *out++ = static_cast<uint8_t>(size);
  } else {
    out = AppendVarint(out, size);
  }
  if (size > 64) {
    std::memcpy(out, data, size);
  } else if (size >= 32) {
    CopyEnds<32>(out, data, size);
  } else if (size >= 16) {
    CopyEnds<16>(out, data, size);
  } else if (size >= 8) {
    CopyEnds<8>(out, data, size);
  } else if (size >= 4) {
    CopyEnds<4>(out, data, size);
  } else if (size != 0) {
    out[0] = static_cast<uint8_t>(data[0]);
    out[size / 2] = static_cast<uint8_t>(data[size / 2]);
    out[size - 1] = static_cast<uint8_t>(data[size - 1]);
  }
  return out + size;
}

bool Reader::Next() {
  if (!ok_ || rest_.empty()) return false;
  const std::string_view before = rest_;
  number_ = 0;
  bytes_ = {};
  ok_ = TakeField();
  raw_ = before.substr(0, before.size() - rest_.size());
  return ok_;
}

bool Reader::TakeField() {
  uint64_t tag = 0;
  if (!TakeVarint(&tag) || tag >> 3 == 0 || tag > UINT32_MAX) return false;
  field_ = static_cast<uint32_t>(tag >> 3);
  switch (static_cast<WireType>(tag & 7)) {
    case WireType::kVarint:
      return TakeVarint(&number_);
    case WireType::kFixed64:
      return TakeFixed(8);
    case WireType::kFixed32:
      return TakeFixed(4);
    case WireType::kBytes:
      return TakeBytes();
  }
  return false;
}

bool Reader::TakeVarint(uint64_t* value) {
  *value = 0;
  for (size_t i = 0; i < rest_.size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>(rest_[i]);
    *value |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) {
      rest_.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool Reader::TakeFixed(size_t size) {
  if (rest_.size() < size) return false;
  for (size_t i = 0; i < size; ++i) number_ |= uint64_t{static_cast<uint8_t>(rest_[i])} << (8 * i);
  rest_.remove_prefix(size);
  return true;
}

bool Reader::TakeBytes() {
  uint64_t size = 0;
  if (!TakeVarint(&size) || size > rest_.size()) return false;
  bytes_ = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

}  // namespace tallybus::engine
