// Measures a baseline between the slices of a --local test, while the server of the test stands
// still: its polling would take the far CPU from the baseline.
#pragma once

#include <cstdint>
#include <expected>
#include <utility>

#include "tools/baseline.h"
#include "tools/local_server.h"

namespace mapwire::tools {

// Where a --local test runs.
struct LocalEnds {
  LocalServer& server;
  int far_processor;          // the server's
  std::uint64_t deadline_ns;  // silence after which the client takes the server for dead
};

class BaselineSlices {
 public:
  // Both outlive this.
  BaselineSlices(Baseline& baseline, const LocalEnds& ends) : baseline_{baseline}, ends_{ends} {}

  // Measures about as long as the slice before took, but long enough for a median and not so long
  // that the connection dies of the silence. Precondition: nothing is outstanding on it.
  // Errors: kPeerDead (the server has ended); those of Baseline::measure().
  std::expected<void, Error> measure_after(std::uint64_t slice_ns);

 private:
  Baseline& baseline_;
  LocalEnds ends_;
};

}  // namespace mapwire::tools
