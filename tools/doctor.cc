// mapwire doctor: looks for what goes wrong and says the command that mends it.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/commands.h"
#include "tools/findings.h"
#include "tools/machine.h"
#include "tools/output.h"

namespace mapwire::tools {
namespace {

std::string as_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{:<6} {:<11} {}\n", name(finding.verdict), finding.check, finding.text);
    if (!finding.command.empty()) text += fmt::format("{:<18} -> {}\n", "", finding.command);
  }
  text.pop_back();  // print_result() ends the last line
  return text;
}

std::string as_json(const std::vector<Finding>& findings) {
  nlohmann::json document{{"schema", 1}, {"tool", "mapwire doctor"}};
  document["findings"] = nlohmann::json::array();
  for (const Finding& finding : findings) {
    document["findings"].push_back({{"check", finding.check},
                                    {"verdict", name(finding.verdict)},
                                    {"text", finding.text},
                                    {"command", finding.command}});
  }
  return document.dump(2);
}

}  // namespace

void add_doctor(CLI::App& app, ExitCode& exit_code) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "doctor",
      "Look for what goes wrong on this machine. Exit: 0 nothing is wrong, 1 something is.");
  command->add_flag("--json", *json, "One JSON document instead of the text");
  command->callback([json, &exit_code] {
    const auto findings = examine(this_machine());
    const bool printed = print_result(*json ? as_json(findings) : as_text(findings));
    const bool wrong =
        std::ranges::find(findings, Verdict::kWrong, &Finding::verdict) != findings.end();
    exit_code = printed && !wrong ? ExitCode::kOk : ExitCode::kFailed;
  });
}

}  // namespace mapwire::tools
