// The numbers of bw as a table and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/bandwidth_test.h"
#include "tools/baseline.h"

namespace mapwire::tools {

// What the values are, for people.
std::string bandwidth_value(bool bidirectional);

// perftest's columns; in Gbit/s if `gbits`, otherwise MiB/s.
std::string bandwidth_header(bool gbits);
std::string bandwidth_row(const BandwidthResult& result, bool gbits);

// A line with the bandwidth of the baseline and the ratio to it.
std::string bandwidth_baseline_line(const BandwidthResult& result,
                                    const BandwidthBaseline& baseline, bool gbits);

// An element of "results" in docs/schema/bw.schema.json; `baseline` may be null.
nlohmann::ordered_json bandwidth_json(const BandwidthResult& result,
                                      const BandwidthBaseline* baseline);

}  // namespace mapwire::tools
