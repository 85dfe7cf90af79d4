// Slots that small messages are copied into, where pinning their pages for one request would cost
// more. Together they are one region, which stays pinned.
//
// Threads: guarded by the owner's lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mapwire/runtime/lazy_memory.h"

namespace mapwire::tlb {

class CopySlots {
 public:
  // Messages of at most `slot_bytes`, as many at a time as have room in `bytes`, at most 64.
  CopySlots(std::size_t slot_bytes, std::size_t bytes)
      : slot_bytes_{slot_bytes}, memory_{slot_bytes * slots_in(slot_bytes, bytes)} {
    free_.reserve(slots_in(slot_bytes, bytes));
    for (std::size_t i = slots_in(slot_bytes, bytes); i > 0; --i) {
      free_.push_back(static_cast<std::uint32_t>(i - 1));
    }
  }

  // All slots; empty if there are none.
  std::span<std::byte> memory() const { return memory_.bytes(); }
  std::size_t slot_bytes() const { return slot_bytes_; }
  std::span<std::byte> slot(std::uint32_t number) const {
    return memory().subspan(number * slot_bytes_, slot_bytes_);
  }

  // One that nobody has, until it is given back.
  std::optional<std::uint32_t> take() {
    if (free_.empty()) return std::nullopt;
    const std::uint32_t number = free_.back();
    free_.pop_back();
    return number;
  }
  void give_back(std::uint32_t number) { free_.push_back(number); }

 private:
  static constexpr std::size_t kSlotsMax = 64;
  static std::size_t slots_in(std::size_t slot_bytes, std::size_t bytes) {
    return slot_bytes == 0 ? 0 : std::min(kSlotsMax, bytes / slot_bytes);
  }

  std::size_t slot_bytes_;
  LazyMemory memory_;
  std::vector<std::uint32_t> free_;
};

}  // namespace mapwire::tlb
