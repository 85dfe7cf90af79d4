// The client's latency test of one size.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "tools/baseline_slices.h"
#include "tools/latency_recorder.h"
#include "tools/test_client.h"

namespace mapwire::tools {

struct LatencyResult {
  std::uint64_t bytes = 0;
  LatencyRecorder times;         // whole round trips
  std::uint64_t mismatches = 0;  // messages that arrived with other bytes, at either end
  std::optional<Error> failure;  // why it ended early; what was measured before counts
};

// Runs options.warmup and then options.iterations round trips, or so many as the duration allows,
// each after the one before (a closed loop). With `baseline` in slices, each with a warm-up of its
// own, and the baseline after each; null: in one go.
LatencyResult measure_latency(TestClient& client, RoundTrip& trip, const TestOptions& options,
                              std::uint64_t bytes, BaselineSlices* baseline);

}  // namespace mapwire::tools
