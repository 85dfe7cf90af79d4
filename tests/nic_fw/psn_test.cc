#include "mapwire/nic_fw/psn.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace mapwire::nic_fw {
namespace {

constexpr std::uint64_t kWrap = std::uint64_t{1} << 24;

TEST(Psn, extends_to_the_nearest_number) {
  EXPECT_EQ(extend(5, kWrap + 5), kWrap + 5);
  EXPECT_EQ(extend(6, kWrap + 5), kWrap + 6);
  EXPECT_EQ(extend(4, kWrap + 5), kWrap + 4);
}

TEST(Psn, extends_across_the_wrap) {
  EXPECT_EQ(extend(0, 2 * kWrap - 1), 2 * kWrap);
  EXPECT_EQ(extend(0xff'ffff, 2 * kWrap), 2 * kWrap - 1);
}

TEST(Psn, half_the_numbers_are_ahead_and_half_behind) {
  const std::uint64_t reference = 3 * kWrap + 77;
  for (std::int64_t distance :
       {-(std::int64_t{1} << 23), std::int64_t{-1}, std::int64_t{0}, (std::int64_t{1} << 23) - 1}) {
    const std::uint64_t expected = reference + static_cast<std::uint64_t>(distance);
    EXPECT_EQ(extend(wire_psn(expected), reference), expected) << distance;
  }
}

TEST(Psn, a_stream_starts_where_nothing_before_it_is_negative) {
  EXPECT_EQ(extend(0xff'ffff, start_psn(0)), start_psn(0) - 1);
}

}  // namespace
}  // namespace mapwire::nic_fw
