#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "mapwire/nic_fw/shm/block.h"
#include "mapwire/nic_fw/shm/ring_reader.h"
#include "mapwire/nic_fw/shm/ring_writer.h"

namespace mapwire::nic_fw::shm {
namespace {

// One direction between two blocks of this process.
class ShmRing : public ::testing::Test {
 protected:
  ShmRing() { writer_.set_reader(header_of(readers_)); }

  // A cell with a payload in the area whose bytes all are `fill`.
  void write(std::uint32_t bytes, unsigned fill) {
    std::ranges::fill(writer_.next_area(bytes), static_cast<std::byte>(fill));
    proto::ShmCell& cell = writer_.next();
    cell.flags = proto::kShmInArea;
    cell.bytes = static_cast<std::uint16_t>(bytes);
    cell.request = fill;
    cell.area_offset = writer_.next_area_offset(bytes);
    writer_.publish(cell, bytes);
  }

  void expect_next(std::uint32_t bytes, unsigned fill) {
    ASSERT_FALSE(reader_.empty());
    const Cell cell = reader_.oldest();
    EXPECT_EQ(cell.request, fill);
    const auto payload = reader_.payload_in_area(cell);
    ASSERT_TRUE(payload.has_value());
    EXPECT_EQ(payload->size(), bytes);
    EXPECT_EQ(std::ranges::count(*payload, static_cast<std::byte>(fill)),
              static_cast<std::ptrdiff_t>(bytes));
    reader_.pop(bytes);
  }

  Arena writers_ = make_block().value();
  Arena readers_ = make_block().value();
  RingWriter writer_{writers_.memory()};
  RingReader reader_{writers_.memory(), header_of(readers_)};
};

TEST_F(ShmRing, is_empty_at_first) { EXPECT_TRUE(reader_.empty()); }

TEST_F(ShmRing, holds_its_cells_and_has_room_again_when_they_were_read) {
  for (std::uint32_t i = 0; i < proto::kShmCells; ++i) {
    ASSERT_TRUE(writer_.has_room(0));
    write(1, i);
  }
  EXPECT_FALSE(writer_.has_room(0));
  for (std::uint32_t i = 0; i < proto::kShmCells; ++i) expect_next(1, i);
  EXPECT_TRUE(reader_.empty());
  EXPECT_TRUE(writer_.has_room(0));
}

TEST_F(ShmRing, keeps_payloads_apart_over_many_laps_and_the_wrap_of_its_counting) {
  std::vector<std::uint32_t> waiting;
  unsigned written = 0;
  unsigned read = 0;
  while (read < 4 * proto::kShmCells) {
    const std::uint32_t bytes = 1 + (written * 2654435761U) % proto::kShmPieceBytes;
    if (written < 4 * proto::kShmCells && writer_.has_room(bytes)) {
      write(bytes, written++);
      waiting.push_back(bytes);
      continue;
    }
    ASSERT_LT(read, written) << "no room though nothing is left to read";
    expect_next(waiting[read], read);
    ++read;
  }
  EXPECT_FALSE(writer_.corrupt());
}

TEST_F(ShmRing, believes_no_position_that_the_reader_can_not_have) {
  for (std::uint32_t i = 0; i < proto::kShmCells; ++i) write(1, i);
  header_of(readers_).consumed = proto::kShmFirstPosition + proto::kShmCells + 1;
  EXPECT_FALSE(writer_.has_room(0));
  EXPECT_TRUE(writer_.corrupt());
  header_of(readers_).consumed = proto::kShmFirstPosition + 1;  // too late
  EXPECT_FALSE(writer_.has_room(0));
}

TEST_F(ShmRing, refuses_a_payload_outside_the_area) {
  for (const std::uint32_t offset : {proto::kShmAreaBytes, proto::kShmAreaBytes - 9, UINT32_MAX}) {
    const CellHead cell{.bytes = 10, .area_offset = offset};
    EXPECT_FALSE(reader_.payload_in_area(cell).has_value()) << offset;
  }
  EXPECT_TRUE(
      reader_.payload_in_area({.bytes = 9, .area_offset = proto::kShmAreaBytes - 9}).has_value());
}

}  // namespace
}  // namespace mapwire::nic_fw::shm
