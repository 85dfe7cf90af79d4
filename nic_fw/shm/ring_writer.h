// The writing end of a ring of cells and its area. Nothing is read back from shared memory but the
// reader's position, which is believed only within what the ring can hold.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "mapwire/proto/shm_wire.h"
#include "mapwire/runtime/barrier.h"

namespace mapwire::nic_fw::shm {

class RingWriter {
 public:
  // `block` is the whole of ours and outlives it.
  explicit RingWriter(std::span<std::byte> block)
      : cells_{reinterpret_cast<proto::ShmCell*>(&block[proto::kShmCellsOffset])},
        area_{block.subspan(proto::kShmAreaOffset)} {}

  // From now on the reader's progress is taken from its header.
  void set_reader(const proto::ShmHeader& reader) { reader_ = &reader; }

  // The reader's position was impossible: there is no room for ever.
  bool corrupt() const { return corrupt_; }

  // Room for a cell with a payload of `area_bytes`, at most kShmPieceBytes, in the area.
  bool has_room(std::uint32_t area_bytes) {
    return fits(area_bytes) || (take_progress() && fits(area_bytes));
  }

  // The next cell, to be filled but for its sequence and given to publish(). Precondition:
  // has_room().
  proto::ShmCell& next() { return cells_[position_ % proto::kShmCells]; }
  // Where the payload of the next cell goes if it is not in the cell. Precondition:
  // has_room(bytes).
  std::span<std::byte> next_area(std::uint32_t bytes) {
    return area_.subspan(start_of(bytes) % proto::kShmAreaBytes, bytes);
  }
  std::uint32_t next_area_offset(std::uint32_t bytes) const {
    return static_cast<std::uint32_t>(start_of(bytes) % proto::kShmAreaBytes);
  }

  // `area_bytes` as in has_room(). The reader sees all of the cell when it sees its sequence.
  void publish(proto::ShmCell& cell, std::uint32_t area_bytes) {
    if (area_bytes != 0) area_end_ = start_of(area_bytes) + area_bytes;
    area_ends_[position_ % proto::kShmCells] = area_end_;
    publish_to_peer(cell.sequence, ++position_);
    unannounced_ = true;
  }

  // Whether anything was published since it was asked last.
  bool has_unannounced() const { return unannounced_; }
  bool take_unannounced() { return std::exchange(unannounced_, false); }

 private:
  // Payloads lie in one piece: what is too short at the end is left out.
  std::uint64_t start_of(std::uint32_t bytes) const {
    const std::uint64_t left = proto::kShmAreaBytes - area_end_ % proto::kShmAreaBytes;
    return bytes <= left ? area_end_ : area_end_ + left;
  }

  bool fits(std::uint32_t area_bytes) const {
    return position_ - consumed_ < proto::kShmCells &&
           (area_bytes == 0 ||
            start_of(area_bytes) + area_bytes - area_free_ <= proto::kShmAreaBytes);
  }

  [[gnu::noinline]] bool take_progress() {
    if (reader_ == nullptr || corrupt_) return false;
    const std::uint32_t consumed = acquire_from_peer(reader_->consumed);  // it has read them
    if (consumed == consumed_) return false;
    if (consumed - consumed_ > position_ - consumed_) {
      corrupt_ = true;
      consumed_ = position_ - proto::kShmCells;
      return false;
    }
    consumed_ = consumed;
    area_free_ = area_ends_[(consumed_ - 1) % proto::kShmCells];
    return true;
  }

  proto::ShmCell* cells_;
  std::span<std::byte> area_;
  const proto::ShmHeader* reader_ = nullptr;
  std::uint32_t position_ = proto::kShmFirstPosition;
  std::uint32_t consumed_ = proto::kShmFirstPosition;
  std::uint64_t area_end_ = 0;                               // bytes ever used
  std::uint64_t area_free_ = 0;                              // bytes ever read
  std::array<std::uint64_t, proto::kShmCells> area_ends_{};  // area_end_ after each cell
  bool corrupt_ = false;
  bool unannounced_ = false;
};

}  // namespace mapwire::nic_fw::shm
