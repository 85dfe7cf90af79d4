// Small messages, which are copied if their memory is not kept.
#include <algorithm>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/tlb/tlb.h"
#include "tests/tlb/pages.h"
#include "tests/tlb/region_nic.h"

namespace mapwire::tlb {
namespace {

using testing::Pages;

constexpr std::size_t kCopyBytes = 2 * kPageBytes;
constexpr std::size_t kSlotsMax = 64;

class CopyTest : public ::testing::Test {
 protected:
  void SetUp() override { make(SIZE_MAX); }
  void make(std::size_t budget_bytes) {
    tlb_.emplace(nic_, 1, TlbOptions{.limits = {.bytes = budget_bytes}, .copy_bytes = kCopyBytes},
                 TlbCounters{});
  }
  Translation translate(std::span<const std::byte> memory, Use use = Use::kSend) {
    return tlb_->translate(memory, use).value();
  }
  static bool is_copy(const Translation& translation, std::span<const std::byte> memory) {
    return translation.copy != nullptr &&
           std::ranges::equal(std::span{translation.copy, memory.size()}, memory);
  }

  testing::RegionNic nic_;
  std::optional<Tlb> tlb_;
  Pages pages_{4};
};

TEST_F(CopyTest, the_first_message_from_small_memory_is_copied) {
  std::ranges::fill(pages_.memory(), std::byte{3});
  const auto message = pages_.memory().subspan(7, kCopyBytes);
  const Translation translation = translate(message);
  EXPECT_TRUE(is_copy(translation, message));
  EXPECT_EQ(nic_.regions().size(), 1U);
  const auto slots = nic_.regions().at(translation.lkey).memory;
  EXPECT_GE(translation.copy, slots.data());
  EXPECT_LE(translation.copy + message.size(), slots.data() + slots.size());
  pages_.memory()[7] = std::byte{4};
  EXPECT_EQ(translation.copy[0], std::byte{3});
  tlb_->release(translation.id);
}

TEST_F(CopyTest, memory_that_is_kept_is_not_copied) {
  if (!tlb_->not_kept_reason().empty()) GTEST_SKIP() << tlb_->not_kept_reason();
  for (int i = 0; i < 100'000 && tlb_->kept() == 0; ++i) {
    tlb_->release(translate(pages_.page(0)).id);
  }
  const Translation translation = translate(pages_.page(0));
  EXPECT_EQ(translation.copy, nullptr);
  tlb_->release(translation.id);
}

TEST_F(CopyTest, larger_messages_and_what_is_written_are_not_copied) {
  for (const auto& [bytes, use] : {std::pair{kCopyBytes + 1, Use::kSend},
                                   {kPageBytes, Use::kTarget},
                                   {kPageBytes, Use::kReceive}}) {
    const Translation translation = translate(pages_.memory().first(bytes), use);
    EXPECT_EQ(translation.copy, nullptr);
    tlb_->release(translation.id);
  }
}

TEST_F(CopyTest, without_a_slot_it_is_pinned_and_a_slot_is_used_again) {
  const Pages pages{2 * kSlotsMax + 2};
  std::vector<Translation> copies;
  for (std::size_t i = 0; i < kSlotsMax; ++i) {
    pages.page(2 * i)[0] = static_cast<std::byte>(i);
    copies.push_back(translate(pages.page(2 * i)));
  }
  for (std::size_t i = 0; i < kSlotsMax; ++i) {
    EXPECT_TRUE(is_copy(copies[i], pages.page(2 * i))) << i;
  }
  const Translation pinned = translate(pages.page(2 * kSlotsMax));
  EXPECT_EQ(pinned.copy, nullptr);
  tlb_->release(pinned.id);
  tlb_->release(copies[5].id);
  EXPECT_EQ(translate(pages.page(2 * kSlotsMax + 1)).copy, copies[5].copy);
}

TEST_F(CopyTest, slots_count_and_a_small_budget_has_none) {
  make(kSlotsMax * kCopyBytes * 16);
  tlb_->release(translate(pages_.page(0)).id);
  EXPECT_EQ(tlb_->pinned_bytes(), kSlotsMax * kCopyBytes);
  make(kCopyBytes * 15);
  const Translation translation = translate(pages_.page(0));
  EXPECT_EQ(translation.copy, nullptr);
  EXPECT_EQ(tlb_->pinned_bytes(), kPageBytes);
  tlb_->release(translation.id);
}

TEST_F(CopyTest, memory_that_can_not_be_read_is_left_to_the_device_to_refuse) {
  ::munmap(pages_.page(1).data(), kPageBytes);
  const Translation translation = translate(pages_.page(0, 2));
  EXPECT_EQ(translation.copy, nullptr);
  tlb_->release(translation.id);
}

}  // namespace
}  // namespace mapwire::tlb
