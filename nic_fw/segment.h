// Where one packet stands in its message: messages are cut at the path MTU (IBTA 9.7.2.1).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mapwire::nic_fw {

struct Segment {
  std::uint64_t offset = 0;
  std::size_t bytes = 0;
  bool first = false;
  bool last = false;
};

// Packet number `index` of a message of `message_bytes`.
constexpr Segment segment(std::uint64_t message_bytes, std::uint32_t path_mtu,
                          std::uint64_t index) {
  const std::uint64_t offset = index * path_mtu;
  const std::uint64_t rest = message_bytes - offset;
  return {.offset = offset,
          .bytes = static_cast<std::size_t>(std::min<std::uint64_t>(rest, path_mtu)),
          .first = index == 0,
          .last = rest <= path_mtu};
}

}  // namespace mapwire::nic_fw
