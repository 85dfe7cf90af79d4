// What may be pinned at once, and who gives way to whom.
#include "mapwire/tlb/tlb.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "tests/tlb/pages.h"
#include "tests/tlb/tlb_fixture.h"

namespace mapwire::tlb {
namespace {

using testing::Pages;
using TlbLimitsTest = TlbFixture;

TEST_F(TlbLimitsTest, what_waits_for_peers_leaves_room_for_pieces) {
  constexpr std::size_t kLimit = 16;  // pages, each a piece
  limit(kLimit * kPageBytes, 100);
  const Pages explicit_pages{8};
  ASSERT_TRUE(tlb_->register_memory(explicit_pages.memory(), {}));
  const Pages pages{kLimit};
  std::size_t receives = 0;
  while (tlb_->translate(pages.page(receives), Use::kReceive)) ++receives;
  EXPECT_EQ(receives, kLimit - 8 - 3);
  std::size_t exposed = 0;
  while (tlb_->expose(pages.page(receives + exposed))) ++exposed;
  EXPECT_EQ(exposed, 2U);
  EXPECT_EQ(tlb_->expose(pages.page(0)).error(), Code::kWouldBlock);
  EXPECT_TRUE(tlb_->translate(pages.page(kLimit - 1), Use::kTarget));
}

TEST_F(TlbLimitsTest, pinned_bytes_stay_within_the_budget) {
  limit(8 * kPageBytes, 100);
  const Pages pages{64};
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < 64; i += 2) {
      ASSERT_NE(keep(pages.page(i, 2)), 0U);
      ASSERT_LE(pinned(), 8 * kPageBytes);
    }
  }
  EXPECT_EQ(nic_.regions().size(), 4U);
}

TEST_F(TlbLimitsTest, regions_stay_within_the_budget) {
  limit(SIZE_MAX, 3);
  const Pages pages{16};
  for (std::size_t i = 0; i < 16; i += 2) keep(pages.page(i));
  EXPECT_EQ(nic_.regions().size(), 3U);
}

TEST_F(TlbLimitsTest, what_is_in_use_is_waited_for) {
  limit(2 * kPageBytes, 100);
  const Pages pages{8};
  const auto first = tlb_->translate(pages.page(0, 2), Use::kSend);
  ASSERT_TRUE(first);
  const auto second = tlb_->translate(pages.page(4), Use::kSend);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), Code::kWouldBlock);
  tlb_->release(first->id);
  EXPECT_NE(use(pages.page(4)), 0U);
}

TEST_F(TlbLimitsTest, more_than_the_budget_is_refused_for_good) {
  limit(2 * kPageBytes, 100);
  const Pages pages{8};
  const auto translation = tlb_->translate(pages.page(0, 3), Use::kSend);
  ASSERT_FALSE(translation);
  EXPECT_EQ(translation.error(), Code::kLimitReached);
  const auto region = tlb_->register_memory(pages.page(0, 3), {});
  ASSERT_FALSE(region);
  EXPECT_EQ(region.error().code, Code::kLimitReached);
  EXPECT_NE(region.error().message.find("8192"), std::string::npos) << region.error().message;
}

TEST_F(TlbLimitsTest, receives_leave_half_of_the_budget_to_sends) {
  limit(8 * kPageBytes, 100);
  const Pages pages{16};
  std::vector<TranslationId> receives;
  for (std::size_t i = 0; i < 16; ++i) {
    if (const auto one = tlb_->translate(pages.page(i), Use::kReceive)) receives.push_back(one->id);
  }
  EXPECT_EQ(receives.size(), 4U);
  EXPECT_NE(use(pages.page(0, 4)), 0U);
  for (const TranslationId id : receives) tlb_->release(id);
}

// It emptied the TLB of everything that sends had kept, and was refused all the same.
TEST_F(TlbLimitsTest, a_receive_that_finds_no_share_evicts_no_sends) {
  limit(16 * kPageBytes, 100);
  const Pages sent{4};
  const Pages received{8};
  const Pages more{2};
  const auto lkey = keep(sent.memory());
  const auto posted = tlb_->translate(received.memory(), Use::kReceive);
  ASSERT_TRUE(posted);
  EXPECT_EQ(tlb_->translate(more.memory(), Use::kReceive).error(), Code::kWouldBlock);
  EXPECT_TRUE(nic_.regions().contains(lkey));
  tlb_->release(posted->id);
}

TEST_F(TlbLimitsTest, explicit_regions_count_and_push_idle_ones_out) {
  limit(8 * kPageBytes, 100);
  const Pages pages{16};
  keep(pages.page(0, 4));
  const auto region = tlb_->register_memory(pages.page(8, 6), {});
  ASSERT_TRUE(region);
  EXPECT_EQ(nic_.regions().size(), 1U);
  EXPECT_EQ(pinned(), 6 * kPageBytes);
  tlb_->deregister_memory(region->lkey);
  tlb_->deregister_memory(region->lkey);
  EXPECT_EQ(pinned(), 0U);
}

TEST_F(TlbLimitsTest, a_device_without_room_gets_what_is_idle_and_is_asked_once_more) {
  const Pages pages{16};
  keep(pages.page(0));
  keep(pages.page(2));
  nic_.set_regions_max(2);
  EXPECT_NE(use(pages.page(4)), 0U);
  EXPECT_TRUE(nic_.regions().empty());
  nic_.set_regions_max(0);
  const auto refused = tlb_->translate(pages.page(6), Use::kSend);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Code::kOutOfMemory);
  EXPECT_EQ(pinned(), 0U);
}

}  // namespace
}  // namespace mapwire::tlb
