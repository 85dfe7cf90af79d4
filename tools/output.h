// Where text goes: results to stdout, everything else to stderr.
#pragma once

#include <CLI/CLI.hpp>
#include <string_view>

#include "mapwire/runtime/error.h"

namespace mapwire::tools {

// Writes `text` and a newline to stdout at once. False: the reader of stdout has gone.
[[nodiscard]] bool print_result(std::string_view text);
// What to report then.
Error stdout_closed();

// "mapwire ping: listening on ..." to stderr.
void print_note(std::string_view command, std::string_view text);

// "mapwire ping: <message> (code <name>; mapwire explain <name>)" to stderr.
void print_error(std::string_view command, const Error& error);

// One sentence about a wrong command line to stderr, with the subcommand it was for.
void print_usage_error(const CLI::App& app, std::string_view message);

}  // namespace mapwire::tools
