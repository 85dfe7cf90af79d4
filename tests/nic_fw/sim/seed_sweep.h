// Many runs of the simulator, and what they cost together.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/nic_fw/sim/seed_run.h"

namespace mapwire::nic_fw::sim {

struct SeedSweep {
  std::string failure;     // of the first run that failed, with the command that replays it
  SeedRunReport harmed;    // sums of the counts, with faults ...
  SeedRunReport unharmed;  // ... and of the same seeds without
};

// Runs the seeds first..first+count-1, each with the faults of `options` and without any, until one
// fails. `before` is told each run before it starts.
SeedSweep sweep_seeds(std::uint64_t first, std::uint64_t count, const SeedRunOptions& options,
                      const std::function<void(std::uint64_t seed, const SeedRunOptions&)>& before);

// What is wrong with the cost of recovery, or nothing: losses must mostly be repaired by NAK and
// not by timeout, once each, without repeating much that had arrived; and where nothing is lost
// hardly anything may time out. Made for the default rates of faults and at least 100 seeds: below
// that the averages mean nothing.
std::string judge_recovery(const SeedSweep& sweep);

}  // namespace mapwire::nic_fw::sim
