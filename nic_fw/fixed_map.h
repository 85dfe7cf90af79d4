// A map from nonzero 32-bit keys to 32-bit values of fixed size: open addressing, linear probing,
// no allocation after construction.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace mapwire::nic_fw {

class FixedMap {
 public:
  // Room for `entries` keys. The table is at most half full, so probes stay short.
  explicit FixedMap(std::uint32_t entries)
      : cells_(std::bit_ceil(std::size_t{2} * entries + 2)), mask_{cells_.size() - 1} {}

  std::optional<std::uint32_t> find(std::uint32_t key) const {
    for (std::size_t at = home(key); cells_[at].key != 0; at = next(at)) {
      if (cells_[at].key == key) return cells_[at].value;
    }
    return std::nullopt;
  }

  // Preconditions: `key` is nonzero and absent; fewer than `entries` keys are present.
  void insert(std::uint32_t key, std::uint32_t value) {
    std::size_t at = home(key);
    while (cells_[at].key != 0) at = next(at);
    cells_[at] = {.key = key, .value = value};
  }

  // No effect if `key` is absent. Closes the gap at once, so no tombstones pile up.
  void erase(std::uint32_t key) {
    std::size_t gap = home(key);
    while (cells_[gap].key != key) {
      if (cells_[gap].key == 0) return;
      gap = next(gap);
    }
    for (std::size_t at = next(gap); cells_[at].key != 0; at = next(at)) {
      // A cell may move into the gap unless its home lies between the gap and itself.
      if (((at - home(cells_[at].key)) & mask_) < ((at - gap) & mask_)) continue;
      cells_[gap] = cells_[at];
      gap = at;
    }
    cells_[gap] = {};
  }

 private:
  struct Cell {
    std::uint32_t key = 0;  // 0: empty
    std::uint32_t value = 0;
  };
  // Keys are random already, but a stranger picks those that are looked up.
  std::size_t home(std::uint32_t key) const {
    return ((key * std::uint64_t{0x9e37'79b9'7f4a'7c15}) >> 32) & mask_;
  }
  std::size_t next(std::size_t at) const { return (at + 1) & mask_; }

  std::vector<Cell> cells_;
  std::size_t mask_;
};

}  // namespace mapwire::nic_fw
