// Randomness of the system, for what others must not guess.
#pragma once

#include <cstdint>
#include <random>

namespace mapwire::detail {

inline std::uint64_t system_random() {
  std::random_device device;  // 32 bits a draw
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace mapwire::detail
