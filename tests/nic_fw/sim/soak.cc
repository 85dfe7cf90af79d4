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

namespace {

using mapwire::nic_fw::sim::replay_command;
using mapwire::nic_fw::sim::run_seed;
using mapwire::nic_fw::sim::SeedRunOptions;
using mapwire::nic_fw::sim::SeedRunReport;

// What to say when the engine aborts: written before each run, because a signal handler may not
// format.
std::array<char, 256> last_words;

void on_fatal_signal(int signal) {
  [[maybe_unused]] const auto written =
      write(STDERR_FILENO, last_words.data(), std::strlen(last_words.data()));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void prepare_last_words(std::uint64_t seed) {
  const std::string text =
      fmt::format("seed {} FAILED: aborted\nreplay: {}\n", seed, replay_command(seed));
  last_words.fill('\0');
  text.copy(last_words.data(), last_words.size() - 1);
}

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 1000;
  SeedRunOptions options;
};

// The seeds in order; stops at the first that fails.
int run(const Arguments& arguments) {
  const SeedRunOptions& options = arguments.options;
  std::uint64_t packets = 0;
  for (std::uint64_t i = 0; i < arguments.seeds; ++i) {
    const std::uint64_t seed = arguments.first + i;
    prepare_last_words(seed);
    const SeedRunReport report = run_seed(seed, options);
    packets += report.packets_sent;
    if (report.failure.empty()) continue;
    fmt::print(stderr, "seed {} FAILED after {} ns: {}\n({})\nreplay: {}\n", seed,
               report.virtual_ns, report.failure, report.setting, replay_command(seed));
    return 1;
  }
  fmt::print(
      "{} seeds passed, {} packets, loss, duplication, reordering, flips of at least {}, {}, {}, "
      "{}\n",
      arguments.seeds, packets, options.loss, options.duplicate, options.reorder, options.flip);
  return 0;
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
  app.add_flag("--trace", trace, "show every packet");
  CLI11_PARSE(app, argc, argv);
  if (trace) options.trace = [](std::string_view line) { fmt::print(stderr, "{}\n", line); };
  std::signal(SIGABRT, on_fatal_signal);
  std::signal(SIGSEGV, on_fatal_signal);
  return run(arguments);
} catch (const std::exception& error) {
  std::fprintf(stderr, "sim_soak: %s\n", error.what());
  return 2;
}
