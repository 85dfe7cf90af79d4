#include "mapwire/tlb/tlb.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <optional>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "tests/tlb/pages.h"
#include "tests/tlb/region_nic.h"

namespace mapwire::tlb {
namespace {

using testing::Pages;

class TlbTest : public ::testing::Test {
 protected:
  void SetUp() override {
    make({});
    if (!tlb_->not_kept_reason().empty()) GTEST_SKIP() << tlb_->not_kept_reason();
  }
  void make(const TlbOptions& options) { tlb_.emplace(nic_, 1, options, TlbCounters{}); }

  void limit(std::size_t bytes, std::size_t regions) {
    TlbOptions options;
    options.limits = {.bytes = bytes, .regions = regions};
    make(options);
  }

  // The lkey of a use that is over at once; 0 if there was none.
  std::uint32_t use(std::span<const std::byte> memory, Use how = Use::kSend) {
    const auto translation = tlb_->translate(memory, how);
    if (!translation) return 0;
    tlb_->release(translation->id);
    return translation->lkey;
  }
  // Used until it is kept: twice, or more often while some other change is being told.
  std::uint32_t keep(std::span<const std::byte> memory, Use how = Use::kSend) {
    for (int i = 0; i < 100'000; ++i) {
      const auto lkey = use(memory, how);
      if (nic_.regions().contains(lkey) && use(memory, how) == lkey) return lkey;
    }
    return 0;
  }
  void await_reaping() {
    for (int i = 0; i < 100'000 && !tlb_->wants_reaping(); ++i) std::this_thread::yield();
    ASSERT_TRUE(tlb_->wants_reaping());
  }
  std::size_t pinned() const { return tlb_->pinned_bytes(); }

  testing::RegionNic nic_;
  std::optional<Tlb> tlb_;
};

TEST_F(TlbTest, the_first_use_pins_for_itself_and_the_second_is_kept) {
  const Pages pages{4};
  EXPECT_NE(use(pages.memory()), 0U);
  EXPECT_TRUE(nic_.regions().empty());
  const auto lkey = keep(pages.memory());
  EXPECT_EQ(nic_.regions().size(), 1U);
  EXPECT_EQ(use(pages.page(1, 2)), lkey);
  EXPECT_EQ(use(pages.memory().subspan(5, 100)), lkey);
  EXPECT_EQ(nic_.regions().size(), 1U);
  EXPECT_EQ(pinned(), 4 * kPageBytes);
}

TEST_F(TlbTest, all_of_a_large_working_set_is_kept_though_it_is_used_in_turns) {
  constexpr std::size_t kBuffers = 3000;
  constexpr std::size_t kApart = 64;  // at random there: some meet in the memory of what was used
  const Pages pages{kApart * kBuffers};
  std::mt19937 random{1};
  std::vector<std::span<std::byte>> buffers;
  for (std::size_t i = 0; i < kBuffers; ++i) {
    buffers.push_back(pages.page(i * kApart + random() % (kApart - 1)));
  }
  for (int round = 0; round < 20 && tlb_->kept() < kBuffers; ++round) {
    for (const auto buffer : buffers) EXPECT_NE(use(buffer), 0U);
  }
  EXPECT_EQ(tlb_->kept(), kBuffers);
}

TEST_F(TlbTest, what_waits_for_peers_leaves_room_for_pieces) {
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

TEST_F(TlbTest, changed_memory_is_pinned_anew) {
  const Pages pages{4};
  const auto lkey = keep(pages.memory());
  pages.renew();
  EXPECT_NE(use(pages.memory()), lkey);
  EXPECT_NE(keep(pages.memory()), lkey);
  EXPECT_FALSE(nic_.regions().contains(lkey)) << "old pages are still pinned";
}

TEST_F(TlbTest, what_changed_is_unpinned_without_another_use) {
  const Pages pages{4};
  keep(pages.memory());
  ::munmap(pages.memory().data(), pages.memory().size());
  await_reaping();
  tlb_->reap();
  EXPECT_TRUE(nic_.regions().empty());
  EXPECT_EQ(pinned(), 0U);
  EXPECT_FALSE(tlb_->wants_reaping());
}

TEST_F(TlbTest, a_translation_in_use_outlives_its_memory) {
  const Pages pages{4};
  keep(pages.memory());
  const auto translation = tlb_->translate(pages.memory(), Use::kSend);
  ASSERT_TRUE(translation);
  pages.renew();
  await_reaping();
  tlb_->reap();
  EXPECT_TRUE(nic_.regions().contains(translation->lkey));
  tlb_->release(translation->id);
  EXPECT_FALSE(nic_.regions().contains(translation->lkey));
}

TEST_F(TlbTest, the_right_to_write_is_asked_for_when_it_is_needed) {
  const Pages pages{1};
  const auto lkey = keep(pages.memory());
  EXPECT_FALSE(nic_.regions().at(lkey).writable);
  const auto writable = keep(pages.memory(), Use::kTarget);
  EXPECT_TRUE(nic_.regions().at(writable).writable);
  EXPECT_FALSE(nic_.regions().contains(lkey));
  EXPECT_EQ(use(pages.memory()), writable);
}

TEST_F(TlbTest, other_kinds_of_memory_pin_for_each_use) {
  void* const shared =
      ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const std::span memory{static_cast<std::byte*>(shared), kPageBytes};
  for (int i = 0; i < 4; ++i) EXPECT_NE(use(memory), 0U);
  EXPECT_EQ(nic_.registered(), 4U);
  EXPECT_TRUE(nic_.regions().empty());
  ::munmap(shared, kPageBytes);
}

TEST_F(TlbTest, pinned_bytes_stay_within_the_budget) {
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

TEST_F(TlbTest, regions_stay_within_the_budget) {
  limit(SIZE_MAX, 3);
  const Pages pages{16};
  for (std::size_t i = 0; i < 16; i += 2) keep(pages.page(i));
  EXPECT_EQ(nic_.regions().size(), 3U);
}

TEST_F(TlbTest, what_is_in_use_is_waited_for) {
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

TEST_F(TlbTest, more_than_the_budget_is_refused_for_good) {
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

TEST_F(TlbTest, receives_leave_half_of_the_budget_to_sends) {
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
TEST_F(TlbTest, a_receive_that_finds_no_share_evicts_no_sends) {
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

// A part was received into, then the whole was sent, then the part was received into once more.
TEST_F(TlbTest, of_two_translations_the_one_that_serves_is_found) {
  const Pages pages{8};
  const auto part = keep(pages.page(0, 1), Use::kReceive);
  keep(pages.memory());
  EXPECT_EQ(use(pages.page(0, 1), Use::kReceive), part);
  EXPECT_LE(nic_.regions().size(), 2U);
}

// More ranges than can be watched were pinned for each use, however often they were used.
TEST_F(TlbTest, a_full_watch_keeps_what_is_used_now) {
  constexpr std::size_t kMoreThanWatched = 8200;
  const Pages pages{2 * kMoreThanWatched};
  for (std::size_t i = 0; i < kMoreThanWatched; ++i) {
    ASSERT_NE(keep(pages.page(2 * i, 1)), 0U) << i;
  }
}

TEST_F(TlbTest, explicit_regions_count_and_push_idle_ones_out) {
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

TEST_F(TlbTest, a_device_without_room_gets_what_is_idle_and_is_asked_once_more) {
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

TEST_F(TlbTest, bad_memory_is_refused) {
  const auto at = [](std::uintptr_t address, std::size_t bytes) {
    return std::span{reinterpret_cast<const std::byte*>(address), bytes};
  };
  EXPECT_EQ(tlb_->translate(at(UINTPTR_MAX - 100, 1000), Use::kSend).error(),
            Code::kInvalidArgument);
  EXPECT_EQ(tlb_->translate(at(4096, 0), Use::kSend).error(), Code::kInvalidArgument);
  EXPECT_EQ(pinned(), 0U);
}

TEST_F(TlbTest, switched_off_nothing_is_kept) {
  TlbOptions options;
  options.keep = false;
  make(options);
  const Pages pages{4};
  for (int i = 0; i < 3; ++i) use(pages.memory());
  EXPECT_TRUE(nic_.regions().empty());
  EXPECT_EQ(tlb_->not_kept_reason(), "switched off");
}

TEST_F(TlbTest, its_end_unpins_everything) {
  const Pages pages{8};
  keep(pages.page(0));
  EXPECT_TRUE(tlb_->translate(pages.page(2), Use::kReceive));
  EXPECT_TRUE(tlb_->register_memory(pages.page(4), {}));
  EXPECT_EQ(nic_.regions().size(), 3U);
  tlb_.reset();
  EXPECT_TRUE(nic_.regions().empty());
}

}  // namespace
}  // namespace mapwire::tlb
