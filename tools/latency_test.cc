#include "tools/latency_test.h"

#include "mapwire/runtime/clock.h"

namespace mapwire::tools {
namespace {

class LatencyRun {
 public:
  LatencyRun(RoundTrip& trip, const TestOptions& options, LatencyResult& result)
      : trip_{trip}, options_{options}, result_{result} {}

  // Until the test is over; any other than kOk: it broke off.
  Code run() {
    while (!over()) {
      if (const Code code = step(); code != Code::kOk) return code;
    }
    return trip_.end();
  }
  std::uint64_t messages() const { return sequence_; }

 private:
  bool over() const {
    if (sequence_ < options_.warmup) return false;
    if (options_.duration_ns == 0) return result_.times.count() == options_.iterations;
    return last_ns_ - first_ns_ >= options_.duration_ns;
  }

  Code step() {
    const std::uint64_t sequence = sequence_ + 1;
    if (const Code code = trip_.prepare(sequence); code != Code::kOk) return code;
    // Making and checking contents is no part of a round trip. Without that nothing worth a reading
    // of the clock lies between two: the one starts where the other ended.
    const std::uint64_t start_ns = options_.verify ? now_ns() : last_ns_;
    if (const Code code = trip_.run(sequence); code != Code::kOk) return code;
    last_ns_ = now_ns();
    sequence_ = sequence;
    if (options_.verify && !trip_.verify(sequence)) ++result_.mismatches;
    if (sequence <= options_.warmup) {
      first_ns_ = last_ns_;
    } else {
      result_.times.record(last_ns_ - start_ns);
    }
    return Code::kOk;
  }

  RoundTrip& trip_;
  const TestOptions& options_;
  LatencyResult& result_;
  std::uint64_t sequence_ = 0;
  std::uint64_t first_ns_ = now_ns();
  std::uint64_t last_ns_ = first_ns_;
};

// Adds what only the server could see.
void count_at_server(const PhaseMessage& done, const TestOptions& options, std::uint64_t messages,
                     LatencyResult& result) {
  result.mismatches += done.mismatches;
  const bool server_counts = test_op(options) != TestOp::kRead;
  if (options.verify && server_counts && done.messages != messages) ++result.mismatches;
}

}  // namespace

LatencyResult measure_latency(TestClient& client, RoundTrip& trip, const TestOptions& options,
                              std::uint64_t bytes) {
  LatencyResult result{.bytes = bytes,
                       .times = LatencyRecorder{options.unsorted ? options.iterations : 0},
                       .failure = std::nullopt};
  trip.begin(static_cast<std::size_t>(bytes));
  if (auto started = client.start(bytes, 0); !started) {
    result.failure = started.error();
    return result;
  }
  LatencyRun run{trip, options, result};
  if (const Code code = run.run(); code != Code::kOk) {
    result.failure = client.session().failure(code);
    return result;
  }
  const auto done = client.end();
  if (!done) {
    result.failure = done.error();
    return result;
  }
  count_at_server(*done, options, run.messages(), result);
  return result;
}

}  // namespace mapwire::tools
