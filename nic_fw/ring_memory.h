// Shared memory for the rings of queue pairs: blocks out of a growing list of arenas, so that
// thousands of queue pairs do not need a file descriptor each. Set-up path only.
#pragma once

#include <cstddef>
#include <expected>
#include <map>
#include <span>
#include <vector>

#include "mapwire/runtime/arena.h"
#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw {

// Blocks stay mapped until the RingMemory dies; a released block is used again for one of the same
// size (a program uses few sizes of queues). One thread at a time.
class RingMemory {
 public:
  // Of the first arena, unless a longer block is asked for: room for some 80 queue pairs of 64
  // entries. Each later one is as long as all before it, so that descriptors stay few.
  static constexpr std::size_t kArenaBytes = std::size_t{1} << 20;

  // At most `bytes_max` are taken from the system.
  explicit RingMemory(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  // A block of `bytes`, aligned to a cache line, with arbitrary contents. Errors: kLimitReached,
  // kOutOfMemory, kSystemCall (no arena).
  std::expected<std::span<std::byte>, Error> allocate(std::size_t bytes);

  // Takes back a block that allocate() gave.
  void release(std::span<std::byte> block);

 private:
  std::expected<void, Error> add_arena(std::size_t bytes_min);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;  // of all arenas
  std::vector<Arena> arenas_;
  std::map<std::size_t, std::vector<std::span<std::byte>>> released_;  // by size
};

}  // namespace mapwire::nic_fw
