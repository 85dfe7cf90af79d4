// The memory layout of a single-producer single-consumer ring. It holds indices and no pointers, so
// any process may map it anywhere. Both indices begin at kRingFirstIndex, count entries written or
// read, and wrap at 2^32; entry i lies at slot i mod entries. Each index has one writer and a cache
// line of its own.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mapwire::proto {

inline constexpr std::uint32_t kRingMagic = 0x4d57'5247;  // "MWRG"
inline constexpr std::uint32_t kRingVersion = 1;
inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::uint32_t kRingEntriesMax = 1U << 22;
// 256 entries before the wrap: every ring in use soon passes it, instead of the few that carry 2^32
// entries.
inline constexpr std::uint32_t kRingFirstIndex = 0xffff'ff00;

struct RingHeader {
  std::uint32_t magic;
  std::uint32_t version;        // never moves
  std::uint32_t entry_version;  // version of the entry's layout
  std::uint32_t entries;        // a power of two
  std::uint32_t entry_bytes;
  std::array<std::uint32_t, 11> reserved;
  alignas(kCacheLine) std::atomic<std::uint32_t> tail;  // written by the producer
  alignas(kCacheLine) std::atomic<std::uint32_t> head;  // written by the consumer
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(RingHeader) == 3 * kCacheLine);
static_assert(offsetof(RingHeader, tail) == 64 && offsetof(RingHeader, head) == 128);

// The entries follow the header at once.
constexpr std::size_t ring_bytes(std::uint32_t entries, std::size_t entry_bytes) {
  return sizeof(RingHeader) + entries * entry_bytes;
}

}  // namespace mapwire::proto
