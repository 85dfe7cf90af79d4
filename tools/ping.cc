// mapwire ping: latency.
#include <fmt/format.h>

#include <memory>

#include "tools/commands.h"
#include "tools/latency_report.h"
#include "tools/output.h"
#include "tools/test_command.h"

namespace mapwire::tools {
namespace {

constexpr std::uint64_t kPingBytes = 2;  // perftest's

constexpr const char* kPingHelp =
    "Latency. Without an address serves; with one, or with --local, is the client, whose options "
    "the server adopts.\nColumns as perftest's: half the round trip for send and write, the full "
    "time for read and atomics.\nExit: 0 ok (and verified), 1 failed, 2 wrong arguments, 130 "
    "client stopped by Ctrl-C after printing what it had; a server stopped so exits 0.";

std::optional<Error> mismatch_error(const LatencyResult& result) {
  return Error::make(
      Code::kPayloadMismatch, ErrorScope::kEndpoint,
      fmt::format("{} of the messages of {} bytes arrived with other bytes than were sent; capture "
                  "with --pcap and report it",
                  result.mismatches, result.bytes));
}

class PingMeasurement : public SizeMeasurement {
 public:
  explicit PingMeasurement(const TestOptions& options) : options_{options} {}
  std::string value() const override { return latency_value(test_op(options_)); }
  std::string value_name() const override {
    return entry(test_op(options_)).ping_pong ? "half_round_trip" : "full_time";
  }
  std::string header() const override { return latency_header(); }

  SizeOutcome measure(TestClient& client, std::uint64_t bytes, const LocalEnds* ends) override {
    if (ends == nullptr) return measure(client, bytes, nullptr, nullptr);
    const auto baseline = make_latency_baseline(
        {.wire = client.info().wire, .op = test_op(options_), .bytes = bytes}, ends->far_processor);
    if (!baseline && baseline.error().code == Code::kMessageTooLong) {  // as with --all
      print_note("ping", baseline.error().message);
      return measure(client, bytes, nullptr, nullptr);
    }
    if (!baseline) return {.result = {}, .failure = baseline.error()};
    BaselineSlices slices{**baseline, *ends};
    return measure(client, bytes, baseline->get(), &slices);
  }

 private:
  SizeOutcome measure(TestClient& client, std::uint64_t bytes, const LatencyBaseline* baseline,
                      BaselineSlices* slices) const {
    const auto trip = make_round_trip(client.resources());
    const LatencyResult result = measure_latency(client, *trip, options_, bytes, slices);
    SizeOutcome outcome{
        .result = latency_json(result, baseline, test_op(options_), options_.verify),
        .failure = result.failure};
    if (!outcome.failure && result.mismatches != 0) outcome.failure = mismatch_error(result);
    if (!options_.json && result.times.count() != 0 && !print_result(rows(result, baseline))) {
      outcome.failure = stdout_closed();
    }
    return outcome;
  }

  std::string rows(const LatencyResult& result, const LatencyBaseline* baseline) const {
    std::string text = latency_row(result, test_op(options_));
    if (baseline != nullptr && baseline->times().count() != 0) {
      text += "\n" + latency_baseline_line(result, *baseline, test_op(options_));
    }
    if (options_.histogram) text += "\n" + latency_histogram(result, test_op(options_));
    if (options_.unsorted) text += "\n" + latency_samples(result, test_op(options_));
    return text;
  }

  const TestOptions& options_;
};

}  // namespace

void add_ping(CLI::App& app, const Environment& environment, ExitCode& exit_code) {
  auto options =
      std::make_shared<TestOptions>(default_test_options(environment.value_or(Options{})));
  options->kind = TestKind::kLatency;
  options->bytes = kPingBytes;
  CLI::App* command = app.add_subcommand("ping", kPingHelp);
  add_test_options(*command, *options);
  command->add_flag("--verify", options->verify,
                    "Check every payload at both ends; the server's check is in the time");
  command->add_flag("-H,--report-histogram", options->histogram, "Print the histogram");
  command->add_flag("-U,--report-unsorted", options->unsorted, "Print every time as measured");
  command->callback([options, &environment, &exit_code] {
    require_valid(environment, *options);
    PingMeasurement measurement{*options};
    exit_code = run_test(*options, measurement);
  });
}

}  // namespace mapwire::tools
