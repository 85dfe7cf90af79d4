// The deeds of a peer that writes into its own half of the wire besides the library.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <span>
#include <string>

#include "mapwire/proto/shm_wire.h"
#include "tests/integration/hostile/deeds.h"
#include "tests/integration/hostile/insider.h"
#include "tests/integration/hostile/own_wire.h"
#include "tests/nic_fw/forged_cell.h"

namespace mapwire::hostile {
namespace {

// Up to 64 random bytes anywhere in `memory`, and the same over and over.
void scribble(std::span<std::byte> memory, std::mt19937_64& random) {
  std::array<std::uint64_t, 8> garbage{};
  for (std::uint64_t& word : garbage) word = random();
  const std::size_t bytes = 1 + random() % sizeof(garbage);
  std::memcpy(&memory[random() % (memory.size() - bytes)], garbage.data(), bytes);
}

void scribble_over(Attack& attack, std::size_t offset, std::size_t bytes) {
  Insider insider{attack};
  const auto blocks = own_blocks();
  for_a_while(attack, [&] {
    insider.use_small();
    for (const auto block : blocks) scribble(block.subspan(offset, bytes), attack.random);
  });
}

void garbage_in_header(Attack& attack) { scribble_over(attack, 0, sizeof(proto::ShmHeader)); }

void garbage_in_cells(Attack& attack) {
  scribble_over(attack, proto::kShmCellsOffset, proto::kShmCells * sizeof(proto::ShmCell));
}

void garbage_everywhere(Attack& attack) { scribble_over(attack, 0, proto::kShmBytes); }

// The newest cell of a ring.
std::uint32_t position_in(std::span<const proto::ShmCell> cells) {
  std::uint32_t newest = proto::kShmFirstPosition;
  for (const proto::ShmCell& cell : cells) {
    const std::uint32_t sequence = cell.sequence;
    const bool used = sequence != 0;
    if (used && std::bit_cast<std::int32_t>(sequence - newest) > 0) newest = sequence;
  }
  return newest;
}

void forged_cells(Attack& attack) {
  Insider insider{attack};
  const std::span<std::byte> block = own_blocks().at(0);
  const std::span cells{reinterpret_cast<proto::ShmCell*>(&block[proto::kShmCellsOffset]),
                        proto::kShmCells};
  std::uint32_t position = position_in(cells);
  const std::uint32_t qpn = cells[(position - 1) % proto::kShmCells].qpn;
  std::uint32_t request = 0;
  for_a_while(attack, [&] {
    proto::ShmCell& cell = cells[position % proto::kShmCells];
    nic_fw::shm_test::forge(cell,
                            {.qpns = {qpn, qpn ^ 1},
                             .request = request,
                             .address = insider.open().address,
                             .rkey = insider.open().rkey},
                            attack.random);
    cell.sequence = ++position;
    if (attack.random() % 8 == 0) ++request;
    if (attack.random() % 64 == 0) insider.use_small();  // the victim is woken
  });
}

}  // namespace

std::map<std::string, Deed> garbage_deeds() {
  return {{"garbage_in_header", garbage_in_header},
          {"garbage_in_cells", garbage_in_cells},
          {"garbage_everywhere", garbage_everywhere},
          {"forged_cells", forged_cells}};
}

}  // namespace mapwire::hostile
