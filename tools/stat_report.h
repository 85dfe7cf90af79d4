// What `mapwire stat` prints: the counters of processes, in three formats.
#pragma once

#include <span>
#include <string>

#include "mapwire/runtime/counter_reader.h"

namespace mapwire::tools {

struct StatReport {
  ProcessCounters process;
  std::string problem{};  // why they cannot be read; then the process has its pid alone
};

// All without a newline at the end, as print_result() wants it.

// A line per counter of one process, in the order of their creation.
std::string stat_table(const ProcessCounters& process);
// A line per process.
std::string stat_list(std::span<const StatReport> reports);
// A document of docs/schema/stat.schema.json.
std::string stat_json(std::span<const StatReport> reports);
// The text format of Prometheus, "# TYPE" and samples: counter "nic.packets_sent" is
// mapwire_nic_packets_sent_total{pid="7",context="0"}. Counters whose names differ by '.' and '_'
// alone are added up. Those that cannot be read are left out.
std::string stat_prometheus(std::span<const StatReport> reports);

}  // namespace mapwire::tools
