// The soft NIC: the engine, its queues in a memfd arena and a wire, driven by the caller's thread.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>

#include "mapwire/nic_fw/wire.h"
#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::nic_fw {

struct SoftNicOptions {
  std::uint32_t queue_pairs_max = 16384;
  // A power of two; see NicAttributes. Each queue pair may have 256. They exist when queue pairs
  // need them.
  std::uint32_t completion_entries = 1U << 22;
  std::uint32_t path_mtu_max = 4096;  // bytes, a power of two 256..4096
  // Of QPNs, first PSNs, keys and comm IDs. 0: the system's randomness. Any other repeats a run,
  // and lets a peer that is told a few of them compute the others: for tests.
  std::uint64_t seed = 0;
  // Queue pairs of two NICs of one host that both have this leave the wire for shared memory.
  bool shared_memory = false;
};

// Creates a soft NIC on `wire`. `counters` (null: none are kept) outlives it.
// Errors: kInvalidArgument (an option out of range), kOutOfMemory, kSystemCall (no arena).
std::expected<std::unique_ptr<Nic>, Error> make_soft_nic(const SoftNicOptions& options,
                                                         std::unique_ptr<Wire> wire,
                                                         CounterBlock* counters);

}  // namespace mapwire::nic_fw
