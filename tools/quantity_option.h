// Options whose values are times, sizes and powers of two. `value` holds the default, which the
// help shows unless it is 0, and gets what the command line says; a bad text is a
// CLI::ValidationError.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace mapwire::tools {

// From 1 ms to 1 h: "5" are seconds, as in perftest; "500ms" is a duration as everywhere in
// mapwire.
CLI::Option* add_time(CLI::App& command, const std::string& name, std::uint64_t& value_ns,
                      const std::string& help);

struct Range {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};

// "64", "8K".
CLI::Option* add_size(CLI::App& command, const std::string& name, std::uint64_t& value_bytes,
                      Range range, const std::string& help);

CLI::Option* add_power_of_two(CLI::App& command, const std::string& name, std::uint32_t& value,
                              Range range, const std::string& help);

}  // namespace mapwire::tools
