// The numbers of bw as a table and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/bandwidth_test.h"

namespace mapwire::tools {

// What the values are, for people.
std::string bandwidth_value(bool bidirectional);

// perftest's columns; in Gbit/s if `gbits`, otherwise MiB/s.
std::string bandwidth_header(bool gbits);
std::string bandwidth_row(const BandwidthResult& result, bool gbits);

// An element of "results" in docs/schema/bw.schema.json.
nlohmann::ordered_json bandwidth_json(const BandwidthResult& result);

}  // namespace mapwire::tools
