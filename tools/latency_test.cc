#include "tools/latency_test.h"

#include "mapwire/runtime/clock.h"
#include "tools/slices.h"

namespace mapwire::tools {
namespace {

class LatencyRun {
 public:
  LatencyRun(Session& session, RoundTrip& trip, const TestOptions& options, LatencyResult& result)
      : session_{session}, trip_{trip}, options_{options}, result_{result} {}

  // Until the test is over, or broke off.
  std::expected<void, Error> run(BaselineSlices* baseline) {
    while (const auto slice = next_slice(options_, done_)) {
      const std::uint64_t done_before_ns = done_.duration_ns;
      if (auto measured = checked(measure(*slice)); !measured) return measured;
      if (baseline == nullptr) continue;
      // What the server owes us now it would owe us until it goes on.
      if (auto drained = checked(session_.drain()); !drained) return drained;
      auto measured = baseline->measure_after(done_.duration_ns - done_before_ns);
      if (!measured) return measured;
    }
    return checked(trip_.end());
  }
  std::uint64_t messages() const { return sequence_; }

 private:
  std::expected<void, Error> checked(Code code) const {
    if (code == Code::kOk) return {};
    return std::unexpected(session_.failure(code));
  }

  Code measure(const Slice& slice) {
    last_ns_ = now_ns();
    for (std::uint64_t i = 0; i < options_.warmup; ++i) {
      if (const Code code = step(false); code != Code::kOk) return code;
    }
    const std::uint64_t first_ns = last_ns_;
    std::uint64_t steps = 0;
    for (; steps < slice.iterations && last_ns_ - first_ns < slice.duration_ns; ++steps) {
      if (const Code code = step(true); code != Code::kOk) return code;
    }
    done_.iterations += steps;
    done_.duration_ns += last_ns_ - first_ns;
    return Code::kOk;
  }

  Code step(bool measured) {
    const std::uint64_t sequence = sequence_ + 1;
    if (const Code code = trip_.prepare(sequence); code != Code::kOk) return code;
    // Making and checking contents is no part of a round trip. Without that nothing worth a reading
    // of the clock lies between two: the one starts where the other ended.
    const std::uint64_t start_ns = options_.verify ? now_ns() : last_ns_;
    if (const Code code = trip_.run(sequence); code != Code::kOk) return code;
    last_ns_ = now_ns();
    sequence_ = sequence;
    if (options_.verify && !trip_.verify(sequence)) ++result_.mismatches;
    if (measured) result_.times.record(last_ns_ - start_ns);
    return Code::kOk;
  }

  Session& session_;
  RoundTrip& trip_;
  const TestOptions& options_;
  LatencyResult& result_;
  std::uint64_t sequence_ = 0;
  std::uint64_t last_ns_ = 0;
  Slice done_;
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
                              std::uint64_t bytes, BaselineSlices* baseline) {
  LatencyResult result{.bytes = bytes,
                       .times = LatencyRecorder{options.unsorted ? options.iterations : 0},
                       .failure = std::nullopt};
  trip.begin(static_cast<std::size_t>(bytes));
  if (auto started = client.start(bytes, 0); !started) {
    result.failure = started.error();
    return result;
  }
  LatencyRun run{client.session(), trip, options, result};
  if (auto ran = run.run(baseline); !ran) {
    result.failure = ran.error();
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
