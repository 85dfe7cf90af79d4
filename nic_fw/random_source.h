// Where the soft NIC draws what nobody may guess: QPNs, first PSNs, keys, comm IDs.
#pragma once

#include <cstdint>
#include <functional>

namespace mapwire::nic_fw {

// Gives 64 random bits a call. The engine's code draws from what it was given, so it stays without
// I/O, and a run with a seeded generator (std::mt19937_64, as the simulator has it) can be
// replayed. Such a generator is for tests alone: who was told enough of its numbers computes the
// others.
using RandomSource = std::function<std::uint64_t()>;

// The system's randomness, getrandom(2): nothing that was drawn tells of what else was or will be.
// A system call a draw; may wait once, early in the boot of a machine.
std::uint64_t draw_system_random();

}  // namespace mapwire::nic_fw
