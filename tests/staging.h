// Memory that stands in for what is posted to the NIC behind a PinningNic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mapwire/runtime/arena.h"

namespace mapwire::testing {

// Where the inner NIC finds what is sent and puts what it receives: pieces of a memfd, whose sizes
// are powers of two.
class Staging {
 public:
  struct Piece {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
  };
  explicit Staging(Arena arena) : arena_{std::move(arena)} {}

  // Nothing if there is no room.
  std::optional<Piece> take(std::uint64_t bytes);
  void give_back(const Piece& piece);

  std::uint64_t address(std::uint64_t offset) const {
    return reinterpret_cast<std::uint64_t>(arena_.memory().data()) + offset;
  }
  int fd() const { return arena_.fd(); }

 private:
  Arena arena_;
  std::uint64_t used_ = 0;                                      // of it, ever
  std::map<std::uint64_t, std::vector<std::uint64_t>> free_{};  // offsets by size
};

}  // namespace mapwire::testing
