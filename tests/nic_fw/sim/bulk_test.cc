// Flight control over a path of 1 Gbit/s, MTU 4096 and 10 ms round trip.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/nic_fw/sim/bulk_run.h"

namespace mapwire::nic_fw::sim {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

TEST(Bulk, fills_the_path_without_loss) { EXPECT_GE(run_bulk({}).front(), 900); }

TEST(Bulk, fills_the_path_with_reads_too) {
  EXPECT_GE(run_bulk({.opcode = proto::WorkOpcode::kRead}).front(), 900);
}

TEST(Bulk, keeps_a_tenth_of_the_path_at_one_percent_of_loss) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_GE(run_bulk({.loss = 0.01, .seed = seed}).front(), 100) << "seed " << seed;
  }
}

// Queue of the bottleneck in bytes, start of the second flow.
class BulkPair : public testing::TestWithParam<std::tuple<std::size_t, std::uint64_t>> {};

TEST_P(BulkPair, shares_a_bottleneck_within_two_to_one) {
  const auto [queue_bytes, start_ns] = GetParam();
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    const auto rates = run_bulk({.start_ns = {0, start_ns},
                                 .queue_bytes_max = queue_bytes,
                                 .seed = seed,
                                 .from_ns = 2 * kSecondNs,
                                 .to_ns = 6 * kSecondNs});
    const auto [low, high] = std::ranges::minmax(rates);
    EXPECT_LE(high, 2 * low) << "seed " << seed;
    EXPECT_GE(low + high, 500) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Queues, BulkPair,
                         testing::Combine(testing::Values(300'000, 1'250'000, 2'500'000,
                                                          10'000'000),
                                          testing::Values(0, 500'000'000)));

}  // namespace
}  // namespace mapwire::nic_fw::sim
