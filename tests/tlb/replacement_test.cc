#include "mapwire/tlb/replacement.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mapwire::tlb {
namespace {

class ReplacementTest : public ::testing::TestWithParam<Policy> {
 protected:
  std::unique_ptr<Replacement> policy_ = Replacement::make(GetParam(), 8);
  std::vector<std::uint32_t> uses_ = std::vector<std::uint32_t>(8);
};

TEST_P(ReplacementTest, there_is_no_victim_among_none_or_among_those_in_use) {
  EXPECT_EQ(policy_->victim(uses_), std::nullopt);
  policy_->insert(1);
  policy_->insert(2);
  uses_[1] = uses_[2] = 1;
  EXPECT_EQ(policy_->victim(uses_), std::nullopt);
  uses_[2] = 0;
  EXPECT_EQ(policy_->victim(uses_), 2U);
}

TEST_P(ReplacementTest, what_was_erased_is_no_victim) {
  policy_->insert(4);
  policy_->erase(4);
  EXPECT_EQ(policy_->victim(uses_), std::nullopt);
}

TEST_P(ReplacementTest, what_is_used_again_and_again_stays) {
  for (std::uint32_t id = 0; id < 8; ++id) policy_->insert(id);
  for (int round = 0; round < 100; ++round) {
    policy_->touch(3);
    const auto victim = policy_->victim(uses_);
    ASSERT_TRUE(victim);
    EXPECT_NE(*victim, 3U);
    policy_->erase(*victim);
    policy_->insert(*victim);
  }
}

TEST_P(ReplacementTest, everything_unused_goes_in_the_end) {
  for (std::uint32_t id = 0; id < 8; ++id) policy_->insert(id);
  std::vector<bool> gone(8);
  for (int i = 0; i < 8; ++i) {
    const auto victim = policy_->victim(uses_);
    ASSERT_TRUE(victim);
    EXPECT_FALSE(gone[*victim]);
    gone[*victim] = true;
    policy_->erase(*victim);
  }
  EXPECT_EQ(policy_->victim(uses_), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(policies, ReplacementTest, ::testing::Values(Policy::kClock, Policy::kLru),
                         [](const auto& policy) { return std::string{name(policy.param)}; });

TEST(LruReplacementTest, the_oldest_use_goes_first) {
  const auto policy = Replacement::make(Policy::kLru, 4);
  for (const std::uint32_t id : {2U, 0U, 3U}) policy->insert(id);
  policy->touch(2);
  const std::vector<std::uint32_t> uses(4);
  EXPECT_EQ(policy->victim(uses), 0U);
  policy->erase(0);
  EXPECT_EQ(policy->victim(uses), 3U);
}

}  // namespace
}  // namespace mapwire::tlb
