#include "tools/slices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace mapwire::tools {
namespace {

TestOptions with_baseline(std::uint64_t iterations, std::uint64_t duration_ns) {
  TestOptions options;
  options.baseline = true;
  options.iterations = iterations;
  options.duration_ns = duration_ns;
  return options;
}

// How many slices there are if each does all that it may.
int count_slices(const TestOptions& options, std::uint64_t ns_per_iteration) {
  Slice done;
  int slices = 0;
  for (; const auto slice = next_slice(options, done); ++slices) {
    const std::uint64_t iterations =
        std::min(slice->iterations, slice->duration_ns / ns_per_iteration);
    done.iterations += iterations;
    done.duration_ns += iterations * ns_per_iteration;
  }
  return slices;
}

TEST(slices, without_a_baseline_a_test_is_one) {
  TestOptions options;
  options.iterations = 7;
  const auto counted = next_slice(options, {});
  ASSERT_TRUE(counted.has_value());
  EXPECT_EQ(counted->iterations, 7U);
  EXPECT_EQ(counted->duration_ns, UINT64_MAX);
  EXPECT_FALSE(next_slice(options, {.iterations = 7, .duration_ns = 1}).has_value());
  options.duration_ns = 9;
  const auto timed = next_slice(options, {});
  ASSERT_TRUE(timed.has_value());
  EXPECT_EQ(timed->iterations, UINT64_MAX);
  EXPECT_EQ(timed->duration_ns, 9U);
  EXPECT_FALSE(next_slice(options, {.iterations = 1, .duration_ns = 10}).has_value());
}

TEST(slices, a_test_with_a_baseline_has_ten_or_more) {
  EXPECT_EQ(count_slices(with_baseline(1000, 0), 5'000), 10);
  EXPECT_EQ(count_slices(with_baseline(1, 0), 5'000), 1);
  EXPECT_EQ(count_slices(with_baseline(1000, 200'000'000), 5'000), 10);
}

TEST(slices, none_is_longer_than_the_other_side_can_wait) {
  EXPECT_EQ(count_slices(with_baseline(10'000'000, 0), 1'000), 100);
  EXPECT_EQ(count_slices(with_baseline(1, 10'000'000'000), 1'000), 100);
}

}  // namespace
}  // namespace mapwire::tools
