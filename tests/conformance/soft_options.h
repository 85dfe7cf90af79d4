// The soft NICs of all columns.
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/soft_nic.h"

namespace mapwire::conformance {

// Small enough that the tests reach every limit.
inline nic_fw::SoftNicOptions soft_options(std::uint64_t seed) {
  return {.queue_pairs_max = 300, .completion_entries = 65536, .path_mtu_max = 4096, .seed = seed};
}

}  // namespace mapwire::conformance
