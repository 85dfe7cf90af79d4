// The numbers of ping as a table and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tools/baseline.h"
#include "tools/latency_test.h"

namespace mapwire::tools {

// What one value of the report is, for people.
std::string latency_value(TestOp op);

std::string latency_header();
std::string latency_row(const LatencyResult& result, TestOp op);
// Lines for --report-histogram and --report-unsorted, without a newline at the end.
std::string latency_histogram(const LatencyResult& result, TestOp op);
std::string latency_samples(const LatencyResult& result, TestOp op);

// A line with the medians of the baseline and their ratio.
std::string latency_baseline_line(const LatencyResult& result, const LatencyBaseline& baseline,
                                  TestOp op);

// An element of "results" in docs/schema/ping.schema.json; `baseline` may be null.
nlohmann::ordered_json latency_json(const LatencyResult& result, const LatencyBaseline* baseline,
                                    TestOp op, bool verified);

}  // namespace mapwire::tools
