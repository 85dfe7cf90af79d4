#include <fmt/format.h>

#include <string>
#include <vector>

#include "mapwire/runtime/detail/option_table.h"
#include "mapwire/runtime/options.h"

namespace mapwire {

std::vector<OptionEntry> option_table() {
  std::vector<OptionEntry> table;
  for (const detail::OptionRow& row : detail::option_rows()) {
    table.push_back({.variable = std::string{row.variable},
                     .type = std::string{detail::type_text(row.kind)},
                     .range = detail::range_text(row.kind),
                     .default_value = detail::value_text(row.kind, Options{}),
                     .help = std::string{row.help}});
  }
  return table;
}

std::vector<std::string> option_help_lines() {
  std::vector<std::string> lines;
  for (const OptionEntry& option : option_table()) {
    lines.push_back(fmt::format("{}: {}", option.variable, option.range) +
                    (option.default_value.empty() ? "" : " (" + option.default_value + ")"));
    lines.push_back("    " + option.help);
  }
  return lines;
}

std::string option_document() {
  std::string text = R"(# Options

The library reads these environment variables. One that is unset or empty leaves the default; a
value out of range is an error (`bad_option`), and an unknown `MAPWIRE_` name gives a warning.

A duration is a whole number with its unit: `ns`, `us`, `ms`, `s`, `min` or `h`.
)";
  for (const OptionEntry& option : option_table()) {
    text += fmt::format("\n## {}\n\n{}\n\n- Value: {} ({})\n- Default: {}\n", option.variable,
                        option.help, option.type, option.range,
                        option.default_value.empty() ? "none" : option.default_value);
  }
  return text;
}

}  // namespace mapwire
