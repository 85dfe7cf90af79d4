// sim_soak: runs many seeds of the simulator, or one with all its packets shown.
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tests/nic_fw/sim/seed_run.h"
#include "tests/nic_fw/sim/seed_sweep.h"

namespace {

using mapwire::nic_fw::sim::judge_recovery;
using mapwire::nic_fw::sim::replay_command;
using mapwire::nic_fw::sim::run_seed;
using mapwire::nic_fw::sim::SeedRunOptions;
using mapwire::nic_fw::sim::SeedRunReport;
using mapwire::nic_fw::sim::SeedSweep;
using mapwire::nic_fw::sim::sweep_seeds;

// What to say when the engine aborts: written before each run, because a signal handler may not
// format.
std::array<char, 512> last_words;

void on_fatal_signal(int signal) {
  [[maybe_unused]] const auto written =
      write(STDERR_FILENO, last_words.data(), std::strlen(last_words.data()));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void prepare_last_words(std::uint64_t seed, const SeedRunOptions& options) {
  const std::string text =
      fmt::format("seed {} FAILED: aborted\nreplay: {}\n", seed, replay_command(seed, options));
  last_words.fill('\0');
  text.copy(last_words.data(), last_words.size() - 1);
}

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 1000;
  SeedRunOptions options;
};

int show(const Arguments& arguments) {
  SeedRunOptions options = arguments.options;
  options.trace = [](std::string_view line) { fmt::print(stderr, "{}\n", line); };
  prepare_last_words(arguments.first, options);
  const SeedRunReport report = run_seed(arguments.first, options);
  fmt::print("({})\n{}\n", report.setting, report.failure.empty() ? "passed" : report.failure);
  return report.failure.empty() ? 0 : 1;
}

void print_counts(std::string_view faults, const SeedRunReport& sum) {
  fmt::print(
      "{}: {} packets, {} lost or flipped, {} retransmitted, {} timeouts, {} sequence NAKs, "
      "{} RNR NAKs\n",
      faults, sum.packets_sent, sum.packets_harmed, sum.retransmitted, sum.timeouts, sum.naks_sent,
      sum.rnr_naks_sent);
}

int run(const Arguments& arguments) {
  constexpr std::uint64_t kSeedsToJudge = 100;
  const SeedRunOptions& options = arguments.options;
  const SeedSweep sweep =
      sweep_seeds(arguments.first, arguments.seeds, options, prepare_last_words);
  if (!sweep.failure.empty()) {
    fmt::print(stderr, "{}\n", sweep.failure);
    return 1;
  }
  fmt::print("{} seeds passed, loss, duplication, reordering, flips of at least {}, {}, {}, {}\n",
             arguments.seeds, options.loss, options.duplicate, options.reorder, options.flip);
  print_counts("with faults", sweep.harmed);
  print_counts("without", sweep.unharmed);
  const bool default_rates = options.loss == SeedRunOptions{}.loss;
  if (arguments.seeds < kSeedsToJudge || !default_rates) return 0;
  const std::string complaint = judge_recovery(sweep);
  if (!complaint.empty()) fmt::print(stderr, "recovery costs too much: {}\n", complaint);
  return complaint.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  Arguments arguments;
  SeedRunOptions& options = arguments.options;
  bool trace = false;
  CLI::App app{"Runs the soft NIC's engine under the simulator, one run per seed."};
  app.add_option("--first", arguments.first, "the first seed")->capture_default_str();
  app.add_option("--seeds", arguments.seeds, "how many")->capture_default_str();
  app.add_option("--loss", options.loss, "least rate of loss")->capture_default_str();
  app.add_option("--duplicate", options.duplicate, "of duplication")->capture_default_str();
  app.add_option("--reorder", options.reorder, "of reordering")->capture_default_str();
  app.add_option("--flip", options.flip, "of packets with a flipped bit")->capture_default_str();
  app.add_flag("--trace", trace, "run the first seed alone and show every packet");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGABRT, on_fatal_signal);
  std::signal(SIGSEGV, on_fatal_signal);
  return trace ? show(arguments) : run(arguments);
} catch (const std::exception& error) {
  std::fprintf(stderr, "sim_soak: %s\n", error.what());
  return 2;
}
