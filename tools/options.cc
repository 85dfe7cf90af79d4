// mapwire options: the environment variables of the library.
#include "mapwire/runtime/options.h"

#include <fmt/format.h>

#include "tools/commands.h"
#include "tools/output.h"

namespace mapwire::tools {
namespace {

std::string all_options() {
  std::string text;
  for (const OptionEntry& option : option_table()) {
    text +=
        fmt::format("{} ({}: {}; default {})\n    {}\n", option.variable, option.type, option.range,
                    option.default_value.empty() ? "none" : option.default_value, option.help);
  }
  text.pop_back();  // print_result() ends the last line
  return text;
}

}  // namespace

void add_options(CLI::App& app, ExitCode& exit_code) {
  CLI::App* command = app.add_subcommand(
      "options", "The environment variables that mapwire reads, in every program that uses it.");
  command->callback([&exit_code] {
    exit_code = print_result(all_options()) ? ExitCode::kOk : ExitCode::kFailed;
  });
}

}  // namespace mapwire::tools
