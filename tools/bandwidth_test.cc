#include "tools/bandwidth_test.h"

#include <algorithm>
#include <cmath>

#include "mapwire/runtime/clock.h"
#include "tools/bandwidth_meter.h"
#include "tools/slices.h"
#include "tools/stream.h"

namespace mapwire::tools {
namespace {

double seconds(std::uint64_t time_ns) { return static_cast<double>(time_ns) / 1e9; }

// One start-to-end pass over the wire.
class BandwidthRun {
 public:
  BandwidthRun(TestClient& client, const TestOptions& options, BandwidthResult& result)
      : client_{client},
        options_{options},
        result_{result},
        sender_{client.resources(), options.send_depth} {}

  std::expected<void, Error> run(const Slice& slice) {
    // The server counts along, where the number is known.
    const std::uint64_t iterations = slice.duration_ns == UINT64_MAX ? slice.iterations : 0;
    if (auto started = client_.start(result_.bytes, iterations); !started) return started;
    sender_.begin(static_cast<std::size_t>(result_.bytes), slice.iterations);
    const std::uint64_t start_ns = now_ns();
    const Code code = stream(start_ns, slice.duration_ns);
    note(start_ns, 0);
    if (code != Code::kOk) return std::unexpected(client_.session().failure(code));
    const auto done = client_.end();
    if (!done) return std::unexpected(done.error());
    if (options_.bidirectional) note(start_ns, done->messages);
    return {};
  }

 private:
  Code stream(std::uint64_t start_ns, std::uint64_t duration_ns) {
    BandwidthMeter meter{start_ns};
    while (!sender_.done()) {
      const std::uint64_t elapsed_ns = now_ns() - start_ns;
      if (elapsed_ns >= duration_ns) {
        sender_.stop();
      } else if (const Code code = sender_.pump(); code != Code::kOk) {
        return code;
      }
      if (const Code code = client_.session().poll(); code != Code::kOk) return code;
      if (const Code code = drop_messages(); code != Code::kOk) return code;
      meter.note(sender_.completed(), now_ns());
      result_.peak_bytes_per_s = meter.peak_per_s() * static_cast<double>(result_.bytes);
    }
    return Code::kOk;
  }

  // What a streaming server sends.
  Code drop_messages() {
    while (client_.session().has_message()) {
      const Code code = client_.session().release(client_.session().take_message());
      if (code != Code::kOk) return code;
    }
    return Code::kOk;
  }

  void note(std::uint64_t start_ns, std::uint64_t messages_of_server) {
    result_.iterations = sender_.completed() + messages_of_server;
    result_.seconds = seconds(now_ns() - start_ns);
    // The server's stretches are not known here, and a short run has none.
    if (options_.bidirectional || result_.peak_bytes_per_s == 0) {
      result_.peak_bytes_per_s = result_.bytes_per_s();
    }
  }

  TestClient& client_;
  const TestOptions& options_;
  BandwidthResult& result_;
  StreamSender sender_;
};

void add_slice(const BandwidthResult& slice, BandwidthResult& sum) {
  sum.iterations += slice.iterations;
  sum.seconds += slice.seconds;
  sum.peak_bytes_per_s = std::max(sum.peak_bytes_per_s, slice.peak_bytes_per_s);
}

Slice done(const BandwidthResult& result) {
  return {.iterations = result.iterations,
          .duration_ns = static_cast<std::uint64_t>(std::llround(result.seconds * 1e9))};
}

}  // namespace

double BandwidthResult::bytes_per_s() const {
  return messages_per_s() * static_cast<double>(bytes);
}

double BandwidthResult::messages_per_s() const {
  return seconds == 0 ? 0 : static_cast<double>(iterations) / seconds;
}

BandwidthResult measure_bandwidth(TestClient& client, const TestOptions& options,
                                  std::uint64_t bytes, BaselineSlices* baseline) {
  if (options.warmup != 0) {
    BandwidthResult warmup{.bytes = bytes, .failure = std::nullopt};
    const Slice slice{.iterations = options.warmup, .duration_ns = UINT64_MAX};
    if (auto run = BandwidthRun{client, options, warmup}.run(slice); !run) {
      return {.bytes = bytes, .failure = run.error()};
    }
  }
  BandwidthResult result{.bytes = bytes, .failure = std::nullopt};
  while (const auto slice = next_slice(options, done(result))) {
    BandwidthResult part{.bytes = bytes, .failure = std::nullopt};
    auto ran = BandwidthRun{client, options, part}.run(*slice);
    add_slice(part, result);
    if (ran && baseline != nullptr) ran = baseline->measure_after(done(part).duration_ns);
    if (ran) continue;
    result.failure = ran.error();
    break;
  }
  return result;
}

}  // namespace mapwire::tools
