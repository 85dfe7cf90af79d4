#include "tests/nic_fw/sim/seed_sweep.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace mapwire::nic_fw::sim {
namespace {

void add_counts(SeedRunReport& sum, const SeedRunReport& report) {
  sum.virtual_ns += report.virtual_ns;
  sum.polls += report.polls;
  sum.wraps += report.wraps;
  sum.packets_harmed += report.packets_harmed;
  sum.packets_sent += report.packets_sent;
  sum.dropped_icrc += report.dropped_icrc;
  sum.duplicates += report.duplicates;
  sum.out_of_sequence += report.out_of_sequence;
  sum.retransmitted += report.retransmitted;
  sum.timeouts += report.timeouts;
  sum.naks_sent += report.naks_sent;
  sum.rnr_naks_sent += report.rnr_naks_sent;
  sum.flight_reductions += report.flight_reductions;
}

// What went wrong in the run, or nothing. Adds its counts to `sum`.
std::string run_and_add(std::uint64_t seed, const SeedRunOptions& options, SeedRunReport& sum) {
  const SeedRunReport report = run_seed(seed, options);
  add_counts(sum, report);
  if (report.failure.empty()) return {};
  return fmt::format("seed {} FAILED after {} ns: {}\n({})\nreplay: {}", seed, report.virtual_ns,
                     report.failure, report.setting, replay_command(seed, options));
}

}  // namespace

SeedSweep sweep_seeds(
    std::uint64_t first, std::uint64_t count, const SeedRunOptions& options,
    const std::function<void(std::uint64_t seed, const SeedRunOptions&)>& before) {
  const SeedRunOptions no_faults{.loss = 0, .duplicate = 0, .reorder = 0, .flip = 0, .trace = {}};
  SeedSweep sweep;
  for (std::uint64_t seed = first; seed < first + count && sweep.failure.empty(); ++seed) {
    before(seed, options);
    sweep.failure = run_and_add(seed, options, sweep.harmed);
    if (!sweep.failure.empty()) break;
    before(seed, no_faults);
    sweep.failure = run_and_add(seed, no_faults, sweep.unharmed);
  }
  return sweep;
}

std::string judge_recovery(const SeedSweep& sweep) {
  struct Limit {
    std::string_view what;
    std::uint64_t count;
    std::uint64_t per;
    double max;
  };
  const SeedRunReport& harmed = sweep.harmed;
  const SeedRunReport& unharmed = sweep.unharmed;
  // About half as much again as the engine takes.
  const std::array<Limit, 5> limits{{
      {"timeouts per harmed packet", harmed.timeouts, harmed.packets_harmed, 0.15},
      {"sequence NAKs per harmed packet", harmed.naks_sent, harmed.packets_harmed, 0.9},
      {"retransmissions per harmed packet", harmed.retransmitted, harmed.packets_harmed, 6},
      {"timeouts per packet without faults", unharmed.timeouts, unharmed.packets_sent, 0.001},
      {"sequence NAKs per packet without faults", unharmed.naks_sent, unharmed.packets_sent, 0.001},
  }};
  for (const Limit& limit : limits) {
    const double rate = static_cast<double>(limit.count) / static_cast<double>(limit.per);
    if (rate > limit.max) return fmt::format("{:.4f} {}, {} allowed", rate, limit.what, limit.max);
  }
  return {};
}

}  // namespace mapwire::nic_fw::sim
