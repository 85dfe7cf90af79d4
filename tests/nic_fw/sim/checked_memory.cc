#include "tests/nic_fw/sim/checked_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>

namespace mapwire::nic_fw::sim {
namespace {

constexpr std::size_t kGuardBytes = 64;
constexpr std::byte kGuard{0xc5};

// splitmix64 (Steele, Lea, Flood 2014): neighbouring keys give unlike words.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e37'79b9'7f4a'7c15;
  value = (value ^ (value >> 30)) * 0xbf58'476d'1ce4'e5b9;
  value = (value ^ (value >> 27)) * 0x94d0'49bb'1331'11eb;
  return value ^ (value >> 31);
}

}  // namespace

void fill_pattern(std::span<std::byte> out, std::uint64_t key) {
  std::uint64_t word = mix(key);
  for (std::size_t at = 0; at < out.size(); at += sizeof(word)) {
    word = word * 0x5851'f42d'4c95'7f2d + 0x1405'7b7e'f767'814f;
    const std::uint64_t value = word ^ (word >> 29);
    std::memcpy(out.data() + at, &value, std::min(sizeof(value), out.size() - at));
  }
}

CheckedMemory::BlockId CheckedMemory::add(std::size_t bytes, std::uint64_t key) {
  Block& block = blocks_.emplace_back();
  block.actual.resize(bytes + 2 * kGuardBytes, kGuard);
  fill_pattern(std::span{block.actual}.subspan(kGuardBytes, bytes), key);
  block.expected = block.actual;
  return blocks_.size() - 1;
}

std::span<std::byte> CheckedMemory::actual(BlockId block) {
  auto& bytes = blocks_[block].actual;
  return std::span{bytes}.subspan(kGuardBytes, bytes.size() - 2 * kGuardBytes);
}

std::span<std::byte> CheckedMemory::expected(BlockId block) {
  auto& bytes = blocks_[block].expected;
  return std::span{bytes}.subspan(kGuardBytes, bytes.size() - 2 * kGuardBytes);
}

bool CheckedMemory::holds(BlockId block, std::size_t offset, std::size_t bytes) {
  return bytes == 0 ||
         std::memcmp(actual(block).data() + offset, expected(block).data() + offset, bytes) == 0;
}

std::optional<std::string> CheckedMemory::find_difference() const {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const std::size_t bytes = blocks_[i].actual.size();
    if (std::memcmp(blocks_[i].actual.data(), blocks_[i].expected.data(), bytes) == 0) continue;
    const auto [actual, expected] = std::ranges::mismatch(blocks_[i].actual, blocks_[i].expected);
    return fmt::format(
        "block {} of {} bytes differs at offset {}: 0x{:02x} instead of 0x{:02x}", i,
        bytes - 2 * kGuardBytes,
        actual - blocks_[i].actual.begin() - static_cast<std::ptrdiff_t>(kGuardBytes),
        std::to_integer<int>(*actual), std::to_integer<int>(*expected));
  }
  return std::nullopt;
}

}  // namespace mapwire::nic_fw::sim
