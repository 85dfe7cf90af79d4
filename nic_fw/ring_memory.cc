#include "mapwire/nic_fw/ring_memory.h"

#include <algorithm>
#include <cstddef>
#include <expected>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "mapwire/proto/ring_layout.h"

namespace mapwire::nic_fw {
std::expected<std::span<std::byte>, Error> RingMemory::allocate(std::size_t bytes) {
  auto& same_size = released_[bytes];
  if (!same_size.empty()) {
    const std::span<std::byte> block = same_size.back();
    same_size.pop_back();
    return block;
  }
  if (!arenas_.empty()) {
    if (auto block = arenas_.back().allocate(bytes, proto::kCacheLine)) return *block;
  }
  if (auto added = add_arena(bytes); !added) return std::unexpected(std::move(added.error()));
  return *arenas_.back().allocate(bytes, proto::kCacheLine);
}

std::expected<void, Error> RingMemory::add_arena(std::size_t bytes_min) {
  const std::size_t left = bytes_max_ - bytes_;
  const std::size_t bytes = std::max(bytes_min, std::min(left, std::max(kArenaBytes, bytes_)));
  if (bytes > left) {
    return std::unexpected(Error::make(
        Code::kLimitReached, ErrorScope::kEndpoint,
        fmt::format("ring of {} bytes: {} of {} bytes for rings are taken; close queue pairs, or "
                    "use queues of the same size",
                    bytes_min, bytes_, bytes_max_)));
  }
  auto arena = Arena::create("mapwire-rings", bytes);
  if (!arena) return std::unexpected(std::move(arena.error()));
  bytes_ += bytes;
  arenas_.push_back(std::move(*arena));
  return {};
}

void RingMemory::release(std::span<std::byte> block) { released_[block.size()].push_back(block); }

}  // namespace mapwire::nic_fw
