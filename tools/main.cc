// The mapwire command.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "mapwire/runtime/version.h"
#include "tools/commands.h"
#include "tools/environment.h"
#include "tools/output.h"

namespace mapwire::tools {
namespace {

// CLI11 only says that a subcommand is required, not that the word in its place is none.
std::string wrong_with(const CLI::App& app, const CLI::ParseError& error) {
  if (!app.get_subcommands().empty()) return error.what();
  const auto words = app.remaining();
  return words.empty() ? error.what() : "unknown command '" + words.front() + "'";
}

int run(int argc, char** argv) {
  CLI::App app{"mapwire: messages between processes over RDMA NICs and a soft NIC.", "mapwire"};
  app.set_version_flag("--version", "mapwire " + std::string{version()});
  app.require_subcommand(1);
  const Environment environment = take_environment();
  ExitCode exit_code = ExitCode::kOk;
  add_ping(app, environment, exit_code);
  add_bw(app, environment, exit_code);
  add_doctor(app, exit_code);
  add_info(app, exit_code);
  add_stat(app, exit_code);
  add_explain(app, exit_code);
  add_options(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked_for_text) {  // --help, --version
    return app.exit(asked_for_text);
  } catch (const CLI::ParseError& error) {
    print_usage_error(app, wrong_with(app, error));
    return static_cast<int>(ExitCode::kBadArguments);
  }
  return static_cast<int>(exit_code);
}

}  // namespace
}  // namespace mapwire::tools

int main(int argc, char** argv) {
  // A reader of stdout that leaves (head) is noticed where we write, and does not kill us.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return mapwire::tools::run(argc, argv);
  } catch (const std::exception& error) {  // no memory, say
    std::fprintf(stderr, "mapwire: %s\n", error.what());
    return static_cast<int>(mapwire::tools::ExitCode::kFailed);
  }
}
