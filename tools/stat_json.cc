#include <nlohmann/json.hpp>

#include "tools/stat_report.h"

namespace mapwire::tools {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const ContextCounters& context) {
  ordered_json counters = ordered_json::object();
  for (const CounterValue& counter : context.counters) counters[counter.name] = counter.value;
  return {{"context", context.context}, {"counters", counters}};
}

ordered_json to_json(const StatReport& report) {
  const ProcessCounters& process = report.process;
  ordered_json contexts = ordered_json::array();
  for (const ContextCounters& context : process.contexts) contexts.push_back(to_json(context));
  return {{"pid", process.pid},
          {"alive", report.problem.empty() ? ordered_json(process.alive) : ordered_json{}},
          {"program", process.program},
          {"problem", report.problem},
          {"contexts", contexts}};
}

}  // namespace

std::string stat_json(std::span<const StatReport> reports) {
  ordered_json document{{"schema", 1}, {"tool", "mapwire stat"}};
  document["processes"] = ordered_json::array();
  for (const StatReport& report : reports) document["processes"].push_back(to_json(report));
  return document.dump(2);
}

}  // namespace mapwire::tools
