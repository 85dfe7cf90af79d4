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
#include "tests/tlb/tlb_fixture.h"

namespace mapwire::tlb {
namespace {

using testing::Pages;
using TlbTest = TlbFixture;

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

// As an allocator does that unmaps at once and maps again.
TEST_F(TlbTest, buffers_that_are_new_each_time_are_seldom_kept_at_the_same_addresses) {
  constexpr int kRounds = 1000;
  const Pages pages{4};
  int kept = 0;
  for (int round = 0; round < kRounds; ++round) {
    EXPECT_NE(use(pages.memory()), 0U);
    if (tlb_->kept() == 0) continue;
    ++kept;
    pages.renew();
    await_reaping();
    tlb_->reap();
  }
  EXPECT_GT(kept, 2);
  EXPECT_LT(kept, 20);
  // Found again, it is worth it.
  for (int i = 0; i < 1000 && tlb_->kept() == 0; ++i) use(pages.memory());
  EXPECT_NE(use(pages.memory()), 0U);
  pages.renew();
  await_reaping();
  tlb_->reap();
  for (int i = 0; i < 2; ++i) use(pages.memory());
  EXPECT_EQ(tlb_->kept(), 1U);
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
