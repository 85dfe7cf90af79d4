#include <gtest/gtest.h>

#include "tools/bandwidth_meter.h"

namespace mapwire::tools {
namespace {

constexpr std::uint64_t kStretchNs = BandwidthMeter::kStretchNs;

TEST(bandwidth_meter, a_run_shorter_than_a_stretch_has_no_peak) {
  BandwidthMeter meter{1000};
  meter.note(50, 1000 + kStretchNs - 1);
  EXPECT_EQ(meter.peak_per_s(), 0.0);
}

TEST(bandwidth_meter, the_peak_is_the_fastest_stretch_not_the_average) {
  BandwidthMeter meter{0};
  meter.note(10, kStretchNs);
  meter.note(110, 2 * kStretchNs);
  meter.note(120, 3 * kStretchNs);
  EXPECT_DOUBLE_EQ(meter.peak_per_s(), 100 / (static_cast<double>(kStretchNs) / 1e9));
}

TEST(bandwidth_meter, notes_within_a_stretch_belong_to_it) {
  BandwidthMeter meter{0};
  meter.note(60, kStretchNs / 2);
  meter.note(100, kStretchNs);
  EXPECT_DOUBLE_EQ(meter.peak_per_s(), 100 / (static_cast<double>(kStretchNs) / 1e9));
}

}  // namespace
}  // namespace mapwire::tools
