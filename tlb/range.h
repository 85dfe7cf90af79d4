// Ranges of addresses of this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace mapwire::tlb {

// The smallest page of every machine that mapwire is built for.
inline constexpr std::uintptr_t kPageBytes = 4096;

// [begin, end).
struct Range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;

  std::size_t bytes() const { return end - begin; }
  bool contains(const Range& other) const { return begin <= other.begin && other.end <= end; }
  bool overlaps(const Range& other) const { return begin < other.end && other.begin < end; }
  std::span<std::byte> memory() const { return {reinterpret_cast<std::byte*>(begin), bytes()}; }
  friend bool operator==(const Range&, const Range&) = default;
};

// The whole pages that hold `memory`. Nothing: it is empty or runs over the end of the addresses.
inline std::optional<Range> pages_of(std::span<const std::byte> memory) {
  constexpr std::uintptr_t kMask = kPageBytes - 1;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
  const auto room = std::numeric_limits<std::uintptr_t>::max() - begin;
  if (memory.empty() || memory.size() > room || room - memory.size() < kMask) return std::nullopt;
  return Range{.begin = begin & ~kMask, .end = (begin + memory.size() + kMask) & ~kMask};
}

// Spreads ranges that begin in different pages over `1 << kBits` places: Fibonacci hashing of the
// page's number.
template <unsigned kBits>
std::size_t page_hash(std::uintptr_t begin) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
  return (begin / kPageBytes * kGolden) >> (64 - kBits);
}

}  // namespace mapwire::tlb
