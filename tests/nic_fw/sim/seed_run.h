// One run of the simulator: everything in it, from addresses to faults, follows from the seed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mapwire::nic_fw::sim {

// The least rates of faults, per direction; each run draws its own between once and twice of it.
struct SeedRunOptions {
  double loss = 0.05;
  double duplicate = 0.05;
  double reorder = 0.05;
  double flip = 0.01;
  // Gets a line per packet and host if set.
  std::function<void(std::string_view line)> trace;
};

// What a run visited.
struct SeedRunReport {
  std::string failure;  // empty: the run passed
  std::string setting;  // what the seed drew, in a line
  std::uint64_t virtual_ns = 0;
  std::uint64_t polls = 0;
  std::uint64_t wraps = 0;           // connections whose PSNs passed from 0xffffff to 0
  std::uint64_t packets_harmed = 0;  // lost or flipped on the way
  std::uint64_t packets_sent = 0;
  std::uint64_t dropped_icrc = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t out_of_sequence = 0;
  std::uint64_t retransmitted = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t naks_sent = 0;
  std::uint64_t rnr_naks_sent = 0;
  std::uint64_t flight_reductions = 0;
};

// Two or three hosts, up to four connections, both directions, random operations over a network
// that harms packets. Passes if every message arrives once, whole and in order, every request
// completes once, in order and with success, atomics take effect once, and no byte of memory
// changes that should not.
SeedRunReport run_seed(std::uint64_t seed, const SeedRunOptions& options);

// The command that repeats a run of `options` and shows its packets.
std::string replay_command(std::uint64_t seed, const SeedRunOptions& options);

}  // namespace mapwire::nic_fw::sim
