// Messages that carry a number in every line, so that old bytes are told from new ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace mapwire::testing {

inline constexpr std::size_t kStampStride = 256;

// Writes `stamp` each kStampStride bytes. The length is a multiple of that.
inline void write_stamps(std::span<std::byte> message, std::uint64_t stamp) {
  for (std::size_t at = 0; at < message.size(); at += kStampStride) {
    std::memcpy(&message[at], &stamp, sizeof(stamp));
  }
}

// How many places do not carry it.
inline std::size_t wrong_stamps(std::span<const std::byte> message, std::uint64_t stamp) {
  std::size_t wrong = 0;
  for (std::size_t at = 0; at < message.size(); at += kStampStride) {
    std::uint64_t found = 0;
    std::memcpy(&found, &message[at], sizeof(found));
    if (found != stamp) ++wrong;
  }
  return wrong;
}

}  // namespace mapwire::testing
