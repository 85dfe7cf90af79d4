// How much of a packet an interface leaves for the payload.
#pragma once

#include <algorithm>
#include <bit>

namespace mapwire::tools {

inline constexpr unsigned kPathMtuMin = 256;
inline constexpr unsigned kPathMtuMax = 4096;

// What RoCEv2 over IPv6 puts around a payload, at the most.
inline constexpr unsigned kPacketOverheadBytes = 96;

// The largest path MTU for an interface's MTU; 0: not even the smallest fits.
constexpr unsigned path_mtu_of(unsigned interface_mtu) {
  if (interface_mtu < kPathMtuMin + kPacketOverheadBytes) return 0;
  return std::min(kPathMtuMax, std::bit_floor(interface_mtu - kPacketOverheadBytes));
}

}  // namespace mapwire::tools
