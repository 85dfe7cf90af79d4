// Packet sequence numbers: 24 bits on the wire (IBTA 9.2.9), 64 bits inside, so that no comparison
// in the engine has to think of the wrap.
#pragma once

#include <cstdint>

#include "mapwire/proto/headers.h"

namespace mapwire::nic_fw {

using Psn = std::uint64_t;

// The number whose low 24 bits are `low24` and which is nearest to `reference`. Precondition:
// `reference` >= 2^24, which start_psn() sees to. Also used for message sequence numbers.
constexpr std::uint64_t extend(std::uint32_t low24, std::uint64_t reference) {
  const std::uint64_t ahead = (low24 - reference) & proto::kPsnMask;
  const std::uint64_t half = (std::uint64_t{proto::kPsnMask} + 1) / 2;
  return ahead < half ? reference + ahead : reference + ahead - 2 * half;
}

// The first 64-bit number of a stream that starts with `low24`.
constexpr std::uint64_t start_psn(std::uint32_t low24) {
  return (std::uint64_t{proto::kPsnMask} + 1) + (low24 & proto::kPsnMask);
}

// The number as it stands in a packet.
constexpr std::uint32_t wire_psn(std::uint64_t psn) {
  return static_cast<std::uint32_t>(psn) & proto::kPsnMask;
}

}  // namespace mapwire::nic_fw
