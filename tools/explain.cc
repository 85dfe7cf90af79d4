// mapwire explain: what a code means and what to do about it.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "mapwire/runtime/error.h"
#include "tools/commands.h"
#include "tools/output.h"

namespace mapwire::tools {
namespace {

std::string all_codes() {
  std::string text = fmt::format("{:>5}  {:<24} {}", "code", "name", "meaning");
  for (const CodeEntry& code : code_table()) {
    text += fmt::format("\n{:>5}  {:<24} {}", static_cast<unsigned>(code.code), code.name,
                        code.meaning);
  }
  return text;
}

std::string one_code(const CodeEntry& code) {
  return fmt::format("{} (code {})\nMeaning:   {}\nCause:     {}\nNext step: {}", code.name,
                     static_cast<unsigned>(code.code), code.meaning, code.cause, code.next_step);
}

}  // namespace

void add_explain(CLI::App& app, ExitCode& exit_code) {
  auto wanted = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "explain", "What a code of an error or a completion means, and what to do.");
  command->add_option("code", *wanted, "Name or number; none: list all");
  command->callback([wanted, &exit_code] {
    const CodeEntry* code = wanted->empty() ? nullptr : find_code(*wanted);
    if (!wanted->empty() && code == nullptr) {
      throw CLI::ValidationError{
          fmt::format("'{}' is no code; `mapwire explain` lists all", *wanted)};
    }
    const std::string text = code == nullptr ? all_codes() : one_code(*code);
    exit_code = print_result(text) ? ExitCode::kOk : ExitCode::kFailed;
  });
}

}  // namespace mapwire::tools
