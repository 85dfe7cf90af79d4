// Unsigned integers in network byte order with alignment 1, for structs laid over packets.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace mapwire::proto {

static_assert(std::endian::native == std::endian::little, "mapwire is written for little-endian");

// A big-endian integer of `Bytes` bytes. Assigning truncates to that width; reading never fails.
template <std::unsigned_integral Value, std::size_t Bytes = sizeof(Value)>
class BigEndian {
 public:
  constexpr BigEndian() = default;
  // Implicit on purpose: a header field is assigned and read as the number it holds.
  constexpr BigEndian(Value value) : raw_{pack(value)} {}
  constexpr operator Value() const {
    auto value = std::bit_cast<Value>(widen(raw_));
    return static_cast<Value>(swap(value) >> kUnusedBits);
  }

 private:
  using Raw = std::array<std::uint8_t, Bytes>;
  using Wide = std::array<std::uint8_t, sizeof(Value)>;
  static constexpr unsigned kUnusedBits = 8 * (sizeof(Value) - Bytes);

  static constexpr Value swap(Value value) {
    if constexpr (sizeof(Value) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(Value) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(Value) == 8) return __builtin_bswap64(value);
  }
  static constexpr Wide widen(const Raw& raw) {
    Wide wide{};
    for (std::size_t i = 0; i < Bytes; ++i) wide[i] = raw[i];
    return wide;
  }
  static constexpr Raw pack(Value value) {
    auto wide = std::bit_cast<Wide>(swap(static_cast<Value>(value << kUnusedBits)));
    Raw raw{};
    for (std::size_t i = 0; i < Bytes; ++i) raw[i] = wide[i];
    return raw;
  }

  Raw raw_{};
};

using be16 = BigEndian<std::uint16_t>;
using be24 = BigEndian<std::uint32_t, 3>;
using be32 = BigEndian<std::uint32_t>;
using be64 = BigEndian<std::uint64_t>;

// A struct that may be laid over bytes another party wrote: it has no padding and no pointers.
template <class T>
concept WireStruct = std::is_trivially_copyable_v<T> && alignof(T) == 1;

// Copies a wire struct out of the start of `bytes`. Precondition: bytes.size() >= sizeof(T).
template <WireStruct T>
T load(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// Copies a wire struct to the start of `bytes`. Precondition: bytes.size() >= sizeof(T).
template <WireStruct T>
void store(std::span<std::byte> bytes, const T& value) {
  std::memcpy(bytes.data(), &value, sizeof(T));
}

}  // namespace mapwire::proto
