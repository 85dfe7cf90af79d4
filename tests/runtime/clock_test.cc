#include "mapwire/runtime/clock.h"

#include <gtest/gtest.h>

namespace mapwire {
namespace {

TEST(Clock, does_not_go_back) {
  std::uint64_t earlier = now_ns();
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t later = now_ns();
    ASSERT_GE(later, earlier);
    earlier = later;
  }
}

TEST(Clock, with_the_offset_it_tells_the_wall_clock) {
  constexpr std::uint64_t kYear2020Ns = 1'577'836'800 * kNanosecondsPerSecond;
  constexpr std::uint64_t kYear2200Ns = 7'258'118'400 * kNanosecondsPerSecond;
  const std::uint64_t wall_ns = now_ns() + wall_clock_offset_ns();
  EXPECT_GT(wall_ns, kYear2020Ns);
  EXPECT_LT(wall_ns, kYear2200Ns);
}

}  // namespace
}  // namespace mapwire
