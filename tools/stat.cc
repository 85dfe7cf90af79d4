// mapwire stat: the counters of processes that run, hang or died.
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "tools/commands.h"
#include "tools/output.h"
#include "tools/stat_report.h"

namespace mapwire::tools {
namespace {

struct StatOptions {
  std::int32_t pid = 0;  // 0: all
  bool json = false;
  bool prometheus = false;
};

// Empty: it is one. CLI11 calls what is no number out of range.
std::string objection_to_pid(const std::string& text) {
  std::int32_t pid = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, pid);
  return parsed.ec == std::errc{} && parsed.ptr == end && pid > 0
             ? ""
             : fmt::format("'{}' is no PID, which is a number from 1", text);
}

// One damaged file must not hide what the other processes counted.
StatReport report_one_of_all(std::int32_t pid, const std::expected<ProcessCounters, Error>& read) {
  if (read) return {.process = *read};
  return {.process = {.pid = pid, .program = {}, .contexts = {}}, .problem = read.error().message};
}

std::expected<std::vector<StatReport>, Error> report_all() {
  const auto pids = list_counted_processes();
  if (!pids) return std::unexpected(pids.error());
  std::vector<StatReport> reports;
  for (const std::int32_t pid : *pids) {
    const auto read = read_counters(pid);
    const bool ended = !read && read.error().code == Code::kInvalidArgument;  // after the list
    if (!ended) reports.push_back(report_one_of_all(pid, read));
  }
  return reports;
}

std::expected<std::vector<StatReport>, Error> make_reports(const StatOptions& options) {
  if (options.pid == 0) return report_all();
  auto process = read_counters(options.pid);
  if (!process) return std::unexpected(process.error());
  return std::vector<StatReport>{{.process = *std::move(process)}};
}

// A monitor wants to know of all that runs; the dead it has seen before, or nobody watched them.
std::string prometheus(const StatOptions& options, std::vector<StatReport> reports) {
  for (const StatReport& report : reports) {
    if (!report.problem.empty()) print_note("stat", report.problem);
  }
  if (options.pid == 0) {
    std::erase_if(reports, [](const StatReport& report) { return !report.process.alive; });
  }
  return stat_prometheus(reports);
}

std::string text(const StatOptions& options, const std::vector<StatReport>& reports) {
  if (options.json) return stat_json(reports);
  if (options.prometheus) return prometheus(options, reports);
  return options.pid == 0 ? stat_list(reports) : stat_table(reports.front().process);
}

ExitCode print_stat(const StatOptions& options) {
  const auto reports = make_reports(options);
  if (!reports) {
    print_error("stat", reports.error());
    return ExitCode::kFailed;
  }
  return print_result(text(options, *reports)) ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace

void add_stat(CLI::App& app, ExitCode& exit_code) {
  auto options = std::make_shared<StatOptions>();
  CLI::App* command = app.add_subcommand(
      "stat",
      "The counters of a process of this user that runs, is stopped, hangs or has died. Nothing is "
      "asked of the process itself.\nExit: 0 ok, 1 there are none or they cannot be read, 2 wrong "
      "arguments.");
  command
      ->add_option("pid", options->pid,
                   "Process; none: list those that have counters, or left them when they died")
      ->check(objection_to_pid)
      ->type_name("PID");
  auto* json = command->add_flag("--json", options->json,
                                 "One JSON document instead of the table; without a PID of all");
  command
      ->add_flag("--prometheus", options->prometheus,
                 "The text format of Prometheus; without a PID of all that are alive")
      ->excludes(json);
  command->callback([options, &exit_code] { exit_code = print_stat(*options); });
}

}  // namespace mapwire::tools
