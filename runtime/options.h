// The run-time options of the library: one table that gives the values, their checks, the help of
// the command line and docs/options.md.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/log_level.h"
#include "mapwire/runtime/nic_choice.h"

namespace mapwire {

// The values, with their defaults. runtime/option_table.cc says what each is for.
struct Options {
  LogLevel log = LogLevel::kWarn;
  bool single_thread = false;
  bool inline_progress = false;
  NicChoice nic = NicChoice::kAuto;
  WireChoice wire = WireChoice::kAuto;
  std::string faults;
  std::string pcap_file;
  std::string trace_file;
  std::uint64_t deadline_ns = 2'000'000'000;
  std::uint64_t connect_timeout_ns = 10'000'000'000;
  std::uint32_t path_mtu = 0;
  std::uint16_t udp_port = 0;
  bool udp_single = false;
  std::uint64_t takeover_ns = 1'000'000;
  std::uint64_t spin_ns = 50'000;
  bool tlb_off = false;
  bool tlb_lru = false;
  std::uint64_t tlb_copy_bytes = 16 << 10;
  std::uint64_t pin_budget_bytes = 0;
  std::uint64_t seed = 0;
  friend bool operator==(const Options&, const Options&) = default;

  // What the MAPWIRE_* variables of the process say. Sets the level of the log and, the first time,
  // logs a warning for every variable that begins like an option of ours and is none. A variable
  // that is unset or empty leaves the default. Errors: kBadOption. Threads: not while another one
  // sets variables.
  static std::expected<Options, Error> from_environment();

  // The same from a list of "NAME=value", without side effects. Other names are passed over.
  static std::expected<Options, Error> parse(std::span<const std::string> environment);
};

// A sentence for every MAPWIRE_* variable of the list that is no option, with the nearest name.
std::vector<std::string> unknown_option_warnings(std::span<const std::string> environment);

// A row of the table, as text for people.
struct OptionEntry {
  std::string variable;       // "MAPWIRE_DEADLINE"
  std::string type;           // "duration"
  std::string range;          // "1ms to 1h"
  std::string default_value;  // "2s"; empty: none
  std::string help;           // sentences
};
std::vector<OptionEntry> option_table();

// Lines for the --help of a command: the variables, their ranges and defaults.
std::vector<std::string> option_help_lines();

// The text of docs/options.md.
std::string option_document();

}  // namespace mapwire
