// End-to-end credit codes of the AETH: IBTA 9.7.7.2, table 49. A code names how many receives the
// responder has ready, rounded down.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "mapwire/proto/headers.h"

namespace mapwire::nic_fw {

inline constexpr std::array<std::uint32_t, 31> kCredits{
    0,   1,   2,   3,   4,    6,    8,    12,   16,   24,   32,   48,    64,    96,    128,  192,
    256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768};

// The largest code that promises no more than `receives`.
constexpr std::uint8_t credit_code(std::uint32_t receives) {
  const auto above = std::upper_bound(kCredits.begin(), kCredits.end(), receives);
  return static_cast<std::uint8_t>(above - kCredits.begin() - 1);
}

// The receives a 5-bit code promises; nothing for "no limit".
constexpr std::optional<std::uint32_t> credits(std::uint8_t code) {
  if (code >= proto::kNoCreditLimit) return std::nullopt;
  return kCredits[code];
}

}  // namespace mapwire::nic_fw
