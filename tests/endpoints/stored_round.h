// What the storing process tells the checking one, which makes the same stores to a copy of its
// own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>

namespace mapwire::testing {

inline constexpr std::size_t kLineBytes = 64;

struct StoredRound {
  std::uint64_t seed = 0;
  std::uint64_t stores = 0;
  // Of the binding, from its beginning to the flush of this round.
  std::uint64_t payload_bytes = 0;
};

// Stores lines of 64 bytes and words of 8, as many of each, at random places. Returns their bytes.
inline std::uint64_t make_stores(const StoredRound& round, std::span<std::byte> memory) {
  std::mt19937_64 random{round.seed};
  std::uint64_t bytes = 0;
  for (std::uint64_t store = 0; store < round.stores; ++store) {
    const std::size_t size = store % 2 == 0 ? kLineBytes : sizeof(std::uint64_t);
    const std::size_t offset = random() % (memory.size() / size) * size;
    for (std::size_t at = offset; at < offset + size; at += sizeof(std::uint64_t)) {
      const std::uint64_t value = random();
      std::memcpy(&memory[at], &value, sizeof(value));
    }
    bytes += size;
  }
  return bytes;
}

}  // namespace mapwire::testing
