// mapwire bw: bandwidth.
#include <memory>

#include "tools/bandwidth_report.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/test_command.h"

namespace mapwire::tools {
namespace {

// perftest's.
constexpr std::uint64_t kBwBytes = 65536;
constexpr std::uint32_t kDefaultSendDepth = 128;
constexpr std::uint32_t kDefaultReceiveDepth = 512;

constexpr const char* kBwHelp =
    "Bandwidth of a stream with --tx-depth requests outstanding. Without an address serves; with "
    "one, or with --local, is the client, whose options the server adopts.\nExit: 0 ok, 1 failed, "
    "2 wrong arguments, 130 client stopped by Ctrl-C after printing what it had; a server stopped "
    "so exits 0.";

class BandwidthMeasurement : public SizeMeasurement {
 public:
  explicit BandwidthMeasurement(const TestOptions& options) : options_{options} {}
  std::string value() const override { return bandwidth_value(options_.bidirectional); }
  std::string value_name() const override {
    return options_.bidirectional ? "both_directions" : "one_direction";
  }
  std::string header() const override { return bandwidth_header(options_.gbits); }

  SizeOutcome measure(TestClient& client, std::uint64_t bytes, const LocalEnds* ends) override {
    if (ends == nullptr) return measure(client, bytes, nullptr, nullptr);
    const EndpointInfo info = client.info();
    const auto baseline = make_bandwidth_baseline(
        {.wire = info.wire, .op = test_op(options_), .bytes = bytes, .packet_bytes = info.path_mtu},
        ends->far_processor);
    if (!baseline) return {.result = {}, .failure = baseline.error()};
    BaselineSlices slices{**baseline, *ends};
    return measure(client, bytes, baseline->get(), &slices);
  }

 private:
  SizeOutcome measure(TestClient& client, std::uint64_t bytes, const BandwidthBaseline* baseline,
                      BaselineSlices* slices) const {
    const BandwidthResult result = measure_bandwidth(client, options_, bytes, slices);
    SizeOutcome outcome{.result = bandwidth_json(result, baseline), .failure = result.failure};
    if (!options_.json && result.iterations != 0 && !print_result(rows(result, baseline))) {
      outcome.failure = stdout_closed();
    }
    return outcome;
  }

  std::string rows(const BandwidthResult& result, const BandwidthBaseline* baseline) const {
    std::string text = bandwidth_row(result, options_.gbits);
    if (baseline == nullptr || baseline->bytes_per_s() == 0) return text;
    return text + "\n" + bandwidth_baseline_line(result, *baseline, options_.gbits);
  }

  const TestOptions& options_;
};

}  // namespace

void add_bw(CLI::App& app, const Environment& environment, ExitCode& exit_code) {
  auto options =
      std::make_shared<TestOptions>(default_test_options(environment.value_or(Options{})));
  options->kind = TestKind::kBandwidth;
  options->bytes = kBwBytes;
  options->send_depth = kDefaultSendDepth;
  options->receive_depth = kDefaultReceiveDepth;
  CLI::App* command = app.add_subcommand("bw", kBwHelp);
  add_test_options(*command, *options);
  command->add_flag("-b,--bidirectional", options->bidirectional, "Both ends stream");
  command->add_flag("--report_gbits", options->gbits, "Gbit/s instead of MiB/s");
  command->callback([options, &environment, &exit_code] {
    require_valid(environment, *options);
    BandwidthMeasurement measurement{*options};
    exit_code = run_test(*options, measurement);
  });
}

}  // namespace mapwire::tools
