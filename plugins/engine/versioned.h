// The rule of struct_size: how a caller that was built against an older or a newer header is read.
#ifndef TALLYBUS_PLUGINS_ENGINE_VERSIONED_H_
#define TALLYBUS_PLUGINS_ENGINE_VERSIONED_H_

#include <cstddef>
#include <cstring>

namespace tallybus::engine {

// No struct of ours will ever be this large: such a size was never set.
constexpr size_t kLargestStruct = 4096;

inline bool IsPlausible(size_t struct_size) {
  return struct_size >= sizeof(size_t) && struct_size <= kLargestStruct;
}

// The caller's struct as this library knows it: `in` itself, or `storage` with the fields that an
// older caller lacks set to zero. Null: no struct, a size that cannot be, or a newer caller that
// has set something that this library does not know.
template <typename T>
const T* ReadVersioned(const T* in, T* storage) {
  if (in == nullptr || !IsPlausible(in->struct_size)) return nullptr;
  const size_t size = in->struct_size;
  if (size == sizeof(T)) return in;
  if (size < sizeof(T)) {
    std::memset(storage, 0, sizeof(T));
    std::memcpy(storage, in, size);
    return storage;
  }
  const char* bytes = reinterpret_cast<const char*>(in);
  for (size_t i = sizeof(T); i < size; ++i) {
    if (bytes[i] != 0) return nullptr;
  }
  return in;
}

// Fills the caller's struct as far as it reaches; what is beyond `value` becomes zero. False: no
// struct, or a size that cannot be.
template <typename T>
bool WriteVersioned(T value, T* out) {
  if (out == nullptr || !IsPlausible(out->struct_size)) return false;
  const size_t size = out->struct_size;
  value.struct_size = size;
  char* bytes = reinterpret_cast<char*>(out);
  std::memcpy(bytes, &value, size < sizeof(T) ? size : sizeof(T));
  if (size > sizeof(T)) std::memset(bytes + sizeof(T), 0, size - sizeof(T));
  return true;
}

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_VERSIONED_H_
