// Cells that no peer of ours writes.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <random>

#include "mapwire/proto/shm_wire.h"

namespace mapwire::nic_fw::shm_test {

// What a forger knows of its victim.
struct Known {
  std::array<std::uint32_t, 2> qpns{};  // of its own connection, and of somebody's
  std::uint32_t request = 0;            // the next of its own connection
  std::uint64_t address = 0;            // of memory that is open to it
  std::uint32_t rkey = 0;
};

// Fills a cell but for its sequence: often right in what would have it dropped at the gate, and
// random otherwise.
inline void forge(proto::ShmCell& cell, const Known& known, std::mt19937_64& random) {
  const auto number = [&] { return static_cast<std::uint32_t>(random()); };
  const std::array qpns{known.qpns[0], known.qpns[0], known.qpns[1], number()};
  cell.kind = static_cast<proto::ShmKind>(random() % 16);
  cell.flags = static_cast<std::uint8_t>(random() % 16);
  cell.bytes = static_cast<std::uint16_t>(random() % 4 == 0 ? random() : random() % 40);
  cell.qpn = qpns[random() % qpns.size()];
  cell.request = random() % 4 == 0 ? number() : known.request;
  cell.acknowledged = random() % 8 == 0 ? number() : 0;
  cell.immediate = number();
  cell.area_offset = random() % 2 == 0 ? number() : 0;
  const proto::ShmTarget target{.address = known.address,
                                .rkey = random() % 2 == 0 ? known.rkey : number(),
                                .bytes = static_cast<std::uint32_t>(cell.bytes)};
  std::memcpy(cell.body.data(), &target, sizeof(target));
}

}  // namespace mapwire::nic_fw::shm_test
