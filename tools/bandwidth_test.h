// The client's bandwidth test of one size.
#pragma once

#include <cstdint>
#include <optional>

#include "tools/baseline_slices.h"
#include "tools/test_client.h"

namespace mapwire::tools {

struct BandwidthResult {
  std::uint64_t bytes = 0;       // of a message
  std::uint64_t iterations = 0;  // messages, of both directions if bidirectional
  double seconds = 0;
  double peak_bytes_per_s = 0;
  std::optional<Error> failure;  // why it ended early; what was measured before counts

  double bytes_per_s() const;
  double messages_per_s() const;
};

// Streams options.warmup messages, then options.iterations or as long as the duration says. With
// `baseline` in slices, and the baseline after each; null: in one go.
BandwidthResult measure_bandwidth(TestClient& client, const TestOptions& options,
                                  std::uint64_t bytes, BaselineSlices* baseline);

}  // namespace mapwire::tools
