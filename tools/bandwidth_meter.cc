#include "tools/bandwidth_meter.h"

#include <algorithm>

namespace mapwire::tools {

void BandwidthMeter::note(std::uint64_t completed, std::uint64_t now_ns) {
  const std::uint64_t elapsed_ns = now_ns - stretch_start_ns_;
  if (elapsed_ns < kStretchNs) return;
  const double rate =
      static_cast<double>(completed - completed_before_) / (static_cast<double>(elapsed_ns) / 1e9);
  peak_per_s_ = std::max(peak_per_s_, rate);
  stretch_start_ns_ = now_ns;
  completed_before_ = completed;
}

}  // namespace mapwire::tools
