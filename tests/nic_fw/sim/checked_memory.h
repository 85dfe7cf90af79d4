// Memory of a simulated host together with what it must hold in the end. Every block stands between
// guard bytes, so a stray write into or beside any buffer shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mapwire::nic_fw::sim {

// Fills `out` with bytes that follow from `key`.
void fill_pattern(std::span<std::byte> out, std::uint64_t key);

class CheckedMemory {
 public:
  using BlockId = std::size_t;

  // A block of `bytes` filled by `key`, both the memory and what is expected of it. Its address
  // never changes.
  BlockId add(std::size_t bytes, std::uint64_t key);

  std::span<std::byte> actual(BlockId block);
  std::span<std::byte> expected(BlockId block);

  // Whether `bytes` of the block from `offset` on are as expected.
  bool holds(BlockId block, std::size_t offset, std::size_t bytes);
  // The first difference between any block, guards included, and what is expected of it.
  std::optional<std::string> find_difference() const;

 private:
  struct Block {
    std::vector<std::byte> actual;
    std::vector<std::byte> expected;
  };
  std::deque<Block> blocks_;
};

}  // namespace mapwire::nic_fw::sim
