#include "tools/output.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace mapwire::tools {
namespace {

void print_line(std::string_view text) {
  const std::string line = fmt::format("{}\n", text);
  // One write per line, so that lines of several processes do not mix. Nobody is left to tell if
  // stderr is closed.
  static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
}

}  // namespace

bool print_result(std::string_view text) {
  const std::string line = fmt::format("{}\n", text);
  return std::fwrite(line.data(), 1, line.size(), stdout) == line.size() &&
         std::fflush(stdout) == 0;
}

Error stdout_closed() {
  return Error::make(Code::kInterrupted, ErrorScope::kRequest,
                     "nobody reads stdout any more; the run was stopped");
}

void print_note(std::string_view command, std::string_view text) {
  print_line(fmt::format("mapwire {}: {}", command, text));
}

void print_error(std::string_view command, const Error& error) {
  print_line(fmt::format("mapwire {}: {} (code {}; mapwire explain {})", command, error.message,
                         name(error.code), name(error.code)));
}

void print_usage_error(const CLI::App& app, std::string_view message) {
  const auto subcommands = app.get_subcommands();
  std::string command = "mapwire";
  if (!subcommands.empty()) command += " " + subcommands.front()->get_name();
  print_line(fmt::format("{}: {} (see {} --help)", command, message, command));
}

}  // namespace mapwire::tools
