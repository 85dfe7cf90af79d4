// Seeds 1 to MAPWIRE_TEST_SEEDS (environment): a few by default, 10,000 for a release.
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "tests/environment.h"
#include "tests/nic_fw/sim/seed_run.h"
#include "tests/nic_fw/sim/seed_sweep.h"

namespace mapwire::nic_fw::sim {
namespace {

constexpr std::uint64_t kReducedCount = 300;

TEST(Seeds, pass_and_visit_every_recovery) {
  const std::uint64_t count = testing::number_from("MAPWIRE_TEST_SEEDS", kReducedCount);
  const SeedSweep sweep = sweep_seeds(1, count, {}, [](std::uint64_t, const SeedRunOptions&) {});
  ASSERT_EQ(sweep.failure, "");
  EXPECT_EQ(judge_recovery(sweep), "");
  const SeedRunReport& sum = sweep.harmed;
  EXPECT_GT(sum.wraps, count / 4);
  EXPECT_GT(sum.dropped_icrc, count);
  EXPECT_GT(sum.duplicates, count);
  EXPECT_GT(sum.out_of_sequence, count);
  EXPECT_GT(sum.retransmitted, count);
  EXPECT_GT(sum.timeouts, count);
  EXPECT_GT(sum.naks_sent, count);
  EXPECT_GT(sum.rnr_naks_sent, count);
  EXPECT_GT(sum.flight_reductions, count);
}

TEST(Seeds, replay_exactly) {
  const SeedRunReport first = run_seed(7, {});
  const SeedRunReport second = run_seed(7, {});
  EXPECT_EQ(first.virtual_ns, second.virtual_ns);
  EXPECT_EQ(first.polls, second.polls);
  EXPECT_EQ(first.packets_sent, second.packets_sent);
}

}  // namespace
}  // namespace mapwire::nic_fw::sim
