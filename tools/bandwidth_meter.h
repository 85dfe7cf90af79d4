// The peak of a bandwidth test.
#pragma once

#include <cstdint>

namespace mapwire::tools {

// Finds the fastest stretch of a stream.
class BandwidthMeter {
 public:
  // A stretch is at least so long: shorter ones measure the clock and the scheduler.
  static constexpr std::uint64_t kStretchNs = 10'000'000;

  explicit BandwidthMeter(std::uint64_t start_ns) : stretch_start_ns_{start_ns} {}
  // `completed` messages in all until `now_ns`.
  void note(std::uint64_t completed, std::uint64_t now_ns);
  // Messages per second of the fastest stretch; 0 if the run was shorter than one.
  double peak_per_s() const { return peak_per_s_; }

 private:
  std::uint64_t stretch_start_ns_;
  std::uint64_t completed_before_ = 0;
  double peak_per_s_ = 0;
};

}  // namespace mapwire::tools
