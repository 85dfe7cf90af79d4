#include "tests/staging.h"

#include <fcntl.h>

#include <algorithm>
#include <bit>

namespace mapwire::testing {
namespace {

constexpr std::uint64_t kPieceBytesMin = 64;
// A free piece so long gives its pages back.
constexpr std::uint64_t kPunchedBytesMin = std::uint64_t{1} << 20;

}  // namespace

std::optional<Staging::Piece> Staging::take(std::uint64_t bytes) {
  if (bytes == 0) return Piece{};
  const std::uint64_t size = std::max(std::bit_ceil(bytes), kPieceBytesMin);
  if (auto& fitting = free_[size]; !fitting.empty()) {
    const std::uint64_t offset = fitting.back();
    fitting.pop_back();
    return Piece{.offset = offset, .bytes = size};
  }
  if (size > arena_.memory().size() - used_) return std::nullopt;
  return Piece{.offset = std::exchange(used_, used_ + size), .bytes = size};
}

void Staging::give_back(const Piece& piece) {
  if (piece.bytes == 0) return;
  if (piece.bytes >= kPunchedBytesMin) {
    fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(piece.offset),
              static_cast<off_t>(piece.bytes));
  }
  free_[piece.bytes].push_back(piece.offset);
}

}  // namespace mapwire::testing
