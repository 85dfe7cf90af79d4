#include "tools/bandwidth_report.h"

#include <fmt/format.h>

#include <array>

#include "tools/table.h"

namespace mapwire::tools {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

constexpr std::array<Column, 5> kByteColumns{{{"#bytes", 0},
                                              {"#iterations", 0},
                                              {"BW_peak[MiB/sec]"},
                                              {"BW_average[MiB/sec]"},
                                              {"MsgRate[Mpps]", 6}}};
constexpr std::array<Column, 5> kGbitColumns{{{"#bytes", 0},
                                              {"#iterations", 0},
                                              {"BW_peak[Gb/sec]"},
                                              {"BW_average[Gb/sec]"},
                                              {"MsgRate[Mpps]", 6}}};

// Bytes per second of one of what is printed.
double unit(bool gbits) { return gbits ? 1e9 / 8 : kMebibyte; }

}  // namespace

std::string bandwidth_value(bool bidirectional) {
  return bidirectional
             ? "payload of both directions together; no peak is measured, the average stands there"
             : "payload of one direction; the peak is that of the fastest 10 ms";
}

std::string bandwidth_header(bool gbits) {
  return table_header(gbits ? kGbitColumns : kByteColumns);
}

std::string bandwidth_row(const BandwidthResult& result, bool gbits) {
  const std::array<double, kByteColumns.size()> values{
      static_cast<double>(result.bytes), static_cast<double>(result.iterations),
      result.peak_bytes_per_s / unit(gbits), result.bytes_per_s() / unit(gbits),
      result.messages_per_s() / 1e6};
  return table_row(kByteColumns, values);
}

std::string bandwidth_baseline_line(const BandwidthResult& result,
                                    const BandwidthBaseline& baseline, bool gbits) {
  return fmt::format("# baseline {}: {:.2f} {}, ratio {:.2f}", baseline.name(),
                     baseline.bytes_per_s() / unit(gbits), gbits ? "Gb/sec" : "MiB/sec",
                     result.bytes_per_s() / baseline.bytes_per_s());
}

nlohmann::ordered_json bandwidth_json(const BandwidthResult& result,
                                      const BandwidthBaseline* baseline) {
  nlohmann::ordered_json object{{"bytes", result.bytes},
                                {"iterations", result.iterations},
                                {"seconds", result.seconds},
                                {"mb_per_s", result.bytes_per_s() / 1e6},
                                {"peak_mb_per_s", result.peak_bytes_per_s / 1e6},
                                {"messages_per_s", result.messages_per_s()}};
  if (baseline != nullptr && baseline->bytes_per_s() != 0) {
    object["baseline"] = {{"name", baseline->name()}, {"mb_per_s", baseline->bytes_per_s() / 1e6}};
    object["ratio"] = result.bytes_per_s() / baseline->bytes_per_s();
  }
  return object;
}

}  // namespace mapwire::tools
