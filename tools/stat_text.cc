#include <fmt/format.h>

#include "tools/stat_report.h"

namespace mapwire::tools {
namespace {

std::string_view state(const ProcessCounters& process) { return process.alive ? "alive" : "dead"; }

std::string list_row(const StatReport& report) {
  const ProcessCounters& process = report.process;
  if (!report.problem.empty()) return fmt::format("{:>10} {}", process.pid, report.problem);
  return fmt::format("{:>10} {:<5} {:>8} {}", process.pid, state(process), process.contexts.size(),
                     process.program.empty() ? "-" : process.program);
}

}  // namespace

std::string stat_table(const ProcessCounters& process) {
  std::string text =
      fmt::format("# process {}{}, {}", process.pid,
                  process.program.empty() ? "" : " (" + process.program + ")", state(process));
  text += fmt::format("\n{:>7} {:>20} {}", "context", "value", "counter");
  for (const ContextCounters& context : process.contexts) {
    for (const CounterValue& counter : context.counters) {
      text += fmt::format("\n{:>7} {:>20} {}", context.context, counter.value, counter.name);
    }
  }
  return text;
}

std::string stat_list(std::span<const StatReport> reports) {
  if (reports.empty()) return "# no process of this user has counters";
  std::string text = fmt::format("{:>10} {:<5} {:>8} {}", "pid", "state", "contexts", "program");
  for (const StatReport& report : reports) text += "\n" + list_row(report);
  return text;
}

}  // namespace mapwire::tools
