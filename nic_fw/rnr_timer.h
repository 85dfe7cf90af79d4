// RNR NAK timer codes: IBTA 9.7.5.2.8, table 45.
#pragma once

#include <array>
#include <cstdint>

namespace mapwire::nic_fw {

// What our responder asks for: long enough to post a receive, short against any deadline.
inline constexpr std::uint8_t kRnrTimerCode = 12;  // 0.64 ms

// Nanoseconds to wait for a 5-bit timer code.
constexpr std::uint64_t rnr_wait_ns(std::uint8_t code) {
  constexpr std::uint64_t kUnitNs = 10'000;
  constexpr std::array<std::uint64_t, 32> kUnits{
      65536, 1,    2,    3,    4,    6,     8,     12,    16,    24,   32,
      48,    64,   96,   128,  192,  256,   384,   512,   768,   1024, 1536,
      2048,  3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152};
  return kUnits[code & 0x1f] * kUnitNs;
}

}  // namespace mapwire::nic_fw
