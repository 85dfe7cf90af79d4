#include "tools/latency_recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace mapwire::tools {
namespace {

TEST(latency_recorder, an_empty_one_answers_zero_to_everything) {
  const LatencyRecorder recorder;
  EXPECT_EQ(recorder.count(), 0U);
  EXPECT_EQ(recorder.min_ns(), 0U);
  EXPECT_EQ(recorder.max_ns(), 0U);
  EXPECT_EQ(recorder.average_ns(), 0.0);
  EXPECT_EQ(recorder.deviation_ns(), 0.0);
  EXPECT_EQ(recorder.percentile_ns(0.5), 0U);
  EXPECT_TRUE(recorder.histogram().empty());
}

TEST(latency_recorder, percentiles_are_those_of_the_nearest_rank) {
  LatencyRecorder recorder;
  for (std::uint64_t time_ns = 1; time_ns <= 1000; ++time_ns) recorder.record(1001 - time_ns);
  EXPECT_EQ(recorder.min_ns(), 1U);
  EXPECT_EQ(recorder.max_ns(), 1000U);
  EXPECT_EQ(recorder.percentile_ns(0), 1U);
  EXPECT_EQ(recorder.percentile_ns(0.5), 500U);
  EXPECT_EQ(recorder.percentile_ns(0.99), 990U);
  EXPECT_EQ(recorder.percentile_ns(0.999), 999U);
  EXPECT_EQ(recorder.percentile_ns(1), 1000U);
}

TEST(latency_recorder, average_and_deviation_are_exact) {
  LatencyRecorder recorder;
  for (const std::uint64_t time_ns : {2U, 4U, 4U, 4U, 5U, 5U, 7U, 9U}) recorder.record(time_ns);
  EXPECT_DOUBLE_EQ(recorder.average_ns(), 5.0);
  EXPECT_DOUBLE_EQ(recorder.deviation_ns(), 2.0);
}

TEST(latency_recorder, one_value_is_every_percentile_whatever_its_size) {
  for (const std::uint64_t time_ns :
       {0UL, 1UL, 2047UL, 2048UL, 2049UL, 123'456'789UL, UINT64_MAX}) {
    LatencyRecorder recorder;
    recorder.record(time_ns);
    EXPECT_EQ(recorder.percentile_ns(0.5), time_ns);
    EXPECT_EQ(recorder.percentile_ns(0.999), time_ns);
  }
}

TEST(latency_recorder, percentiles_of_long_times_are_within_a_thousandth) {
  constexpr unsigned kSeed = 20;
  std::mt19937_64 random{kSeed};
  std::uniform_real_distribution<double> exponent{0, 34};
  LatencyRecorder recorder;
  std::vector<std::uint64_t> times;
  for (int i = 0; i < 10'000; ++i) {
    times.push_back(static_cast<std::uint64_t>(std::exp2(exponent(random))));
    recorder.record(times.back());
  }
  std::ranges::sort(times);
  for (const double share : {0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact = times[static_cast<std::size_t>(share * 10'000) - 1];
    const auto got = recorder.percentile_ns(share);
    EXPECT_GE(got, exact) << "seed " << kSeed << " share " << share;
    EXPECT_LE(static_cast<double>(got), static_cast<double>(exact) * 1.001)
        << "seed " << kSeed << " share " << share;
  }
}

TEST(latency_recorder, the_histogram_holds_every_value_in_a_bucket_above_it) {
  LatencyRecorder recorder;
  for (std::uint64_t time_ns = 1; time_ns < 1'000'000; time_ns += 37) recorder.record(time_ns);
  std::uint64_t total = 0;
  std::uint64_t lower_ns = 0;
  for (const HistogramBucket& bucket : recorder.histogram()) {
    ASSERT_GT(bucket.upper_ns, lower_ns);
    EXPECT_GT(bucket.count, 0U);
    // Every 37th value is there, but none is counted twice.
    EXPECT_LE(bucket.count, (bucket.upper_ns - lower_ns) / 37 + 1);
    total += bucket.count;
    lower_ns = bucket.upper_ns;
  }
  EXPECT_EQ(total, recorder.count());
  EXPECT_GE(lower_ns, recorder.max_ns());
}

TEST(latency_recorder, samples_are_kept_in_order_up_to_their_limit) {
  LatencyRecorder recorder{3};
  for (const std::uint64_t time_ns : {30U, 10U, 20U, 40U}) recorder.record(time_ns);
  EXPECT_EQ(recorder.samples_ns(), (std::vector<std::uint64_t>{30, 10, 20}));
  EXPECT_EQ(recorder.count(), 4U);
}

}  // namespace
}  // namespace mapwire::tools
