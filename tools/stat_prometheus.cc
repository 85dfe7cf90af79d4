#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>

#include "tools/stat_report.h"

namespace mapwire::tools {
namespace {

using Samples = std::map<std::string, std::uint64_t>;  // by labels

// A counter's name has only characters that a metric's may have, but for the dots.
std::string metric_name(std::string name) {
  std::ranges::replace(name, '.', '_');
  return fmt::format("mapwire_{}_total", name);
}

void add_process(const ProcessCounters& process, std::map<std::string, Samples>& metrics) {
  for (const ContextCounters& context : process.contexts) {
    const auto labels = fmt::format(R"({{pid="{}",context="{}"}})", process.pid, context.context);
    for (const CounterValue& counter : context.counters) {
      metrics[metric_name(counter.name)][labels] += counter.value;
    }
  }
}

}  // namespace

std::string stat_prometheus(std::span<const StatReport> reports) {
  // The format wants all samples of a metric together, and each once.
  std::map<std::string, Samples> metrics;
  for (const StatReport& report : reports) add_process(report.process, metrics);
  std::string text;
  for (const auto& [name, samples] : metrics) {
    text += fmt::format("{}# TYPE {} counter", text.empty() ? "" : "\n", name);
    for (const auto& [labels, value] : samples) {
      text += fmt::format("\n{}{} {}", name, labels, value);
    }
  }
  return text;
}

}  // namespace mapwire::tools
