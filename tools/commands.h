// The subcommands. Each add_* function adds one to `app`, with its options; when the command line
// names it, its exit code is in `exit_code` after parsing. `environment` is what the MAPWIRE_*
// variables say: the defaults of ping and bw, which refuse to run where a variable is wrong.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/environment.h"
#include "tools/exit_code.h"

namespace mapwire::tools {

void add_ping(CLI::App& app, const Environment& environment, ExitCode& exit_code);
void add_bw(CLI::App& app, const Environment& environment, ExitCode& exit_code);
void add_doctor(CLI::App& app, ExitCode& exit_code);
void add_info(CLI::App& app, ExitCode& exit_code);
void add_stat(CLI::App& app, ExitCode& exit_code);
void add_explain(CLI::App& app, ExitCode& exit_code);
void add_options(CLI::App& app, ExitCode& exit_code);

}  // namespace mapwire::tools
