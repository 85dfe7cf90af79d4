// The reading end of a ring of cells in memory that a hostile peer may write at any time. What is
// checked is copied once before; the bytes of a payload are the peer's to choose anyway.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mapwire/proto/shm_wire.h"
#include "mapwire/runtime/barrier.h"

namespace mapwire::nic_fw::shm {

// A cell but for its sequence and its body.
struct CellHead {
  proto::ShmKind kind{};
  std::uint8_t flags = 0;
  std::uint16_t bytes = 0;
  std::uint32_t qpn = 0;
  std::uint32_t request = 0;
  std::uint32_t acknowledged = 0;
  std::uint32_t immediate = 0;
  std::uint32_t area_offset = 0;
};
static_assert(sizeof(CellHead) == offsetof(proto::ShmCell, body) - sizeof(std::uint32_t));

// The oldest cell: a copy of its head, and its body where it is, which the peer may still change.
struct Cell : CellHead {
  std::span<const std::byte, sizeof(proto::ShmCell::body)> body;

  bool first() const { return (flags & proto::kShmFirst) != 0; }
  bool last() const { return (flags & proto::kShmLast) != 0; }
  bool in_area() const { return (flags & proto::kShmInArea) != 0; }
};

class RingReader {
 public:
  // `block` is the whole of the peer's, `header` ours, in which the peer learns what was read; both
  // outlive it.
  RingReader(std::span<const std::byte> block, proto::ShmHeader& header)
      : cells_{reinterpret_cast<const proto::ShmCell*>(&block[proto::kShmCellsOffset])},
        area_{block.subspan(proto::kShmAreaOffset)},
        header_{&header} {}

  bool empty() const {
    return acquire_from_peer(cells_[position_ % proto::kShmCells].sequence) != position_ + 1;
  }

  // The oldest cell. Precondition: not empty().
  Cell oldest() const {
    const proto::ShmCell& from = cells_[position_ % proto::kShmCells];
    const auto* head = reinterpret_cast<const std::byte*>(&from) + sizeof(from.sequence);
    return {copy_once<CellHead>(head), from.body};
  }

  // The payload in the area; nothing if the cell names no place in it.
  std::optional<std::span<const std::byte>> payload_in_area(const CellHead& cell) const {
    if (cell.area_offset > area_.size() || cell.bytes > area_.size() - cell.area_offset) {
      return std::nullopt;
    }
    return area_.subspan(cell.area_offset, cell.bytes);
  }

  // Done with the oldest cell and its payload. The peer learns it in steps, so that the line that
  // tells it is not asked for by both all the time: late by at most a quarter of the area and an
  // eighth of the cells.
  void pop(std::uint32_t area_bytes) {
    ++position_;
    area_untold_ += area_bytes;
    if (position_ - told_ >= proto::kShmCells / 8 || area_untold_ >= proto::kShmAreaBytes / 4) {
      told_ = position_;
      area_untold_ = 0;
      publish_to_peer(header_->consumed, position_);  // what was copied may be overwritten
    }
  }

 private:
  const proto::ShmCell* cells_;
  std::span<const std::byte> area_;
  proto::ShmHeader* header_;
  std::uint32_t position_ = proto::kShmFirstPosition;
  std::uint32_t told_ = proto::kShmFirstPosition;
  std::uint32_t area_untold_ = 0;
};

}  // namespace mapwire::nic_fw::shm
