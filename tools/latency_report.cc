#include "tools/latency_report.h"

#include <fmt/format.h>

#include <array>

#include "tools/table.h"

namespace mapwire::tools {
namespace {

// perftest's columns, in its order.
constexpr std::array<Column, 9> kLatencyColumns{{{"#bytes", 0},
                                                 {"#iterations", 0},
                                                 {"t_min[usec]"},
                                                 {"t_max[usec]"},
                                                 {"t_typical[usec]"},
                                                 {"t_avg[usec]"},
                                                 {"t_stdev[usec]"},
                                                 {"99%[usec]"},
                                                 {"99.9%[usec]"}}};

// Round trips were measured; a ping-pong reports halves, as perftest does.
class Usec {
 public:
  explicit Usec(TestOp op) : ns_per_usec_{entry(op).ping_pong ? 2000.0 : 1000.0} {}
  double operator()(double round_trip_ns) const { return round_trip_ns / ns_per_usec_; }
  double operator()(std::uint64_t round_trip_ns) const {
    return static_cast<double>(round_trip_ns) / ns_per_usec_;
  }

 private:
  double ns_per_usec_;
};

// Precondition: the baseline has measured.
double ratio(const LatencyResult& result, const LatencyBaseline& baseline) {
  return static_cast<double>(result.times.percentile_ns(0.5)) /
         static_cast<double>(baseline.times().percentile_ns(0.5));
}

}  // namespace

std::string latency_value(TestOp op) {
  return entry(op).ping_pong
             ? "times are half the round trip; each starts after the one before (closed loop)"
             : "times are from post to completion; each starts after the one before (closed loop)";
}

std::string latency_header() { return table_header(kLatencyColumns); }

std::string latency_row(const LatencyResult& result, TestOp op) {
  const Usec usec{op};
  const LatencyRecorder& times = result.times;
  const std::array<double, kLatencyColumns.size()> values{static_cast<double>(result.bytes),
                                                          static_cast<double>(times.count()),
                                                          usec(times.min_ns()),
                                                          usec(times.max_ns()),
                                                          usec(times.percentile_ns(0.5)),
                                                          usec(times.average_ns()),
                                                          usec(times.deviation_ns()),
                                                          usec(times.percentile_ns(0.99)),
                                                          usec(times.percentile_ns(0.999))};
  return table_row(kLatencyColumns, values);
}

std::string latency_histogram(const LatencyResult& result, TestOp op) {
  const Usec usec{op};
  std::string text =
      fmt::format("# histogram of {} bytes: up to [usec], count, share so far", result.bytes);
  std::uint64_t seen = 0;
  for (const HistogramBucket& bucket : result.times.histogram()) {
    seen += bucket.count;
    text +=
        fmt::format("\n# {:>12.2f} {:>10} {:>8.3f}%", usec(bucket.upper_ns), bucket.count,
                    100.0 * static_cast<double>(seen) / static_cast<double>(result.times.count()));
  }
  return text;
}

std::string latency_samples(const LatencyResult& result, TestOp op) {
  const Usec usec{op};
  std::string text =
      fmt::format("# {} bytes, in the order of measurement: number, usec", result.bytes);
  std::uint64_t number = 0;
  for (const std::uint64_t sample_ns : result.times.samples_ns()) {
    text += fmt::format("\n# {} {:.3f}", ++number, usec(sample_ns));
  }
  return text;
}

std::string latency_baseline_line(const LatencyResult& result, const LatencyBaseline& baseline,
                                  TestOp op) {
  return fmt::format("# baseline {}: {:.2f} usec, ratio {:.2f} (of the medians)", baseline.name(),
                     Usec{op}(baseline.times().percentile_ns(0.5)), ratio(result, baseline));
}

nlohmann::ordered_json latency_json(const LatencyResult& result, const LatencyBaseline* baseline,
                                    TestOp op, bool verified) {
  const Usec usec{op};
  const LatencyRecorder& times = result.times;
  nlohmann::ordered_json histogram = nlohmann::ordered_json::array();
  for (const HistogramBucket& bucket : times.histogram()) {
    histogram.push_back({{"up_to_usec", usec(bucket.upper_ns)}, {"count", bucket.count}});
  }
  nlohmann::ordered_json object{{"bytes", result.bytes},
                                {"iterations", times.count()},
                                {"usec",
                                 {{"min", usec(times.min_ns())},
                                  {"max", usec(times.max_ns())},
                                  {"avg", usec(times.average_ns())},
                                  {"stdev", usec(times.deviation_ns())},
                                  {"p50", usec(times.percentile_ns(0.5))},
                                  {"p90", usec(times.percentile_ns(0.9))},
                                  {"p99", usec(times.percentile_ns(0.99))},
                                  {"p999", usec(times.percentile_ns(0.999))}}},
                                {"histogram", histogram}};
  if (verified) object["mismatches"] = result.mismatches;
  if (baseline != nullptr && baseline->times().count() != 0) {
    object["baseline"] = {{"name", baseline->name()},
                          {"usec_p50", usec(baseline->times().percentile_ns(0.5))}};
    object["ratio"] = ratio(result, *baseline);
  }
  return object;
}

}  // namespace mapwire::tools
