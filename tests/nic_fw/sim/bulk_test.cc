// Flight control over a path of 1 Gbit/s, MTU 4096 and 10 ms round trip.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/sim/bulk_run.h"

namespace mapwire::nic_fw::sim {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

constexpr BulkRequest kRead{.opcode = proto::WorkOpcode::kRead};

double megabits_per_second(const BulkOptions& options) {
  return run_bulk(options).megabits_per_second.front();
}

TEST(Bulk, fills_the_path_without_loss) { EXPECT_GE(megabits_per_second({}), 900); }

TEST(Bulk, fills_the_path_with_reads_too) {
  EXPECT_GE(megabits_per_second({.requests = {kRead}}), 900);
}

TEST(Bulk, keeps_a_tenth_of_the_path_at_one_percent_of_loss) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_GE(megabits_per_second({.loss_there = 0.01, .loss_back = 0.01, .seed = seed}), 100)
        << "seed " << seed;
  }
}

// Where later packets show that one is missing, nobody may wait for a timeout, not even if a packet
// is lost a second time. (A lost NAK does cost one: hence no loss on the way back.)
TEST(Bulk, repairs_lost_requests_without_timeouts) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(run_bulk({.loss_there = 0.02, .seed = seed}).timeouts, 0) << "seed " << seed;
  }
}

TEST(Bulk, repairs_lost_read_responses_without_timeouts) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(run_bulk({.requests = {kRead}, .loss_back = 0.02, .seed = seed}).timeouts, 0)
        << "seed " << seed;
  }
}

// One READ among many WRITEs: only the acknowledgements of these show that its response was lost.
TEST(Bulk, repairs_the_lost_response_of_a_lonely_read_without_timeouts) {
  std::vector<BulkRequest> requests(100, {.bytes = 4096});
  requests.back() = {.opcode = proto::WorkOpcode::kRead, .bytes = 4096};
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(run_bulk({.requests = requests, .loss_back = 0.02, .seed = seed}).timeouts, 0)
        << "seed " << seed;
  }
}

// Queue of the bottleneck in bytes, start of the second flow.
class BulkPair : public ::testing::TestWithParam<std::tuple<std::size_t, std::uint64_t>> {};

TEST_P(BulkPair, shares_a_bottleneck_within_two_to_one) {
  const auto [queue_bytes, start_ns] = GetParam();
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    const BulkReport report = run_bulk({.start_ns = {0, start_ns},
                                        .queue_bytes_max = queue_bytes,
                                        .seed = seed,
                                        .from_ns = 2 * kSecondNs,
                                        .to_ns = 6 * kSecondNs});
    const auto [low, high] = std::ranges::minmax(report.megabits_per_second);
    EXPECT_LE(high, 2 * low) << "seed " << seed;
    EXPECT_GE(low + high, 500) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Queues, BulkPair,
                         testing::Combine(::testing::Values(300'000, 1'250'000, 2'500'000,
                                                            10'000'000),
                                          ::testing::Values(0, 500'000'000)));

}  // namespace
}  // namespace mapwire::nic_fw::sim
