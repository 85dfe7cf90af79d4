#include "mapwire/endpoints/detail/lender.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "mapwire/runtime/options.h"
#include "tests/endpoints/pair.h"
#include "tests/pinning_nic.h"
#include "tests/tlb/pages.h"

namespace mapwire::detail {
namespace {

using testing::value_of;
using tlb::kPageBytes;

constexpr std::uint64_t kBudgetPages = 16;
constexpr std::uint64_t kSharePages = kBudgetPages / 2;
constexpr EndpointId kOne = 1;
constexpr EndpointId kTwo = 2;
constexpr std::uint64_t kDeadlineNs = 100;

class LenderTest : public ::testing::Test {
 protected:
  struct Told {
    EndpointId importer = 0;
    LeaseMessage message;
  };

  void SetUp() override {
    auto nic = testing::make_pinning_soft_nic();
    if (!nic) GTEST_SKIP() << nic.error().message;
    nic_ = std::move(*nic);
    memory_.emplace(*nic_, budget(kBudgetPages * kPageBytes), nullptr);
    hooks_ = {.tell = [this](EndpointId importer,
                             const LeaseMessage& message) { told_.push_back({importer, message}); },
              .wait = [this] { ++waits_; }};
    lender_.emplace(*memory_, counters_, hooks_);
    for (const EndpointId importer : {kOne, kTwo}) lender_->admit(importer, lent_, kDeadlineNs);
  }
  bool want(EndpointId importer, std::uint64_t page, std::uint64_t pages,
            std::uint64_t now_ns = 0) {
    return lender_->on_message(
        importer,
        {.act = LeaseAct::kWanted,
         .range = {.offset = page * kPageBytes, .bytes = pages * kPageBytes}},
        now_ns);
  }
  bool give_back(EndpointId importer, std::uint32_t rkey) {
    return lender_->on_message(importer, {.act = LeaseAct::kReturned, .rkey = rkey}, 0);
  }
  // What was told last, to that importer.
  LeaseMessage told(EndpointId importer, LeaseAct act) {
    if (told_.empty()) {
      ADD_FAILURE() << "nobody was told";
      return {};
    }
    const Told last = told_.back();
    told_.pop_back();
    EXPECT_EQ(last.importer, importer);
    EXPECT_EQ(last.message.act, act);
    return last.message;
  }
  std::uint32_t grant(EndpointId importer, std::uint64_t page, std::uint64_t pages) {
    EXPECT_TRUE(want(importer, page, pages));
    return told(importer, LeaseAct::kGranted).rkey;
  }
  static Options budget(std::uint64_t bytes) {
    Options options;
    options.pin_budget_bytes = bytes;
    return options;
  }
  std::uint64_t pinned_pages() { return memory_->tlb()->pinned_bytes() / kPageBytes; }

  testing::Pages pages_{64};
  std::shared_ptr<LentMemory> lent_ = std::make_shared<LentMemory>(
      LentMemory{.memory = pages_.memory(), .access = {.remote_write = true}});
  std::unique_ptr<Nic> nic_;
  PathCounters counters_;
  Lender::Hooks hooks_;
  std::optional<NicMemory> memory_;
  std::optional<Lender> lender_;
  std::vector<Told> told_;
  int waits_ = 0;
};

TEST_F(LenderTest, what_is_leased_is_pinned_until_it_is_returned) {
  EXPECT_EQ(pinned_pages(), 0U);
  const std::uint32_t first = grant(kOne, 3, 2);
  EXPECT_EQ(pinned_pages(), 2U);
  const std::uint32_t second = grant(kTwo, 3, 1);
  EXPECT_NE(first, second);
  EXPECT_EQ(pinned_pages(), 3U);
  EXPECT_TRUE(give_back(kOne, first));
  EXPECT_EQ(pinned_pages(), 1U);
  EXPECT_TRUE(give_back(kTwo, second));
  EXPECT_EQ(pinned_pages(), 0U);
  EXPECT_EQ(waits_, 0);
}

TEST_F(LenderTest, the_oldest_are_recalled_for_who_has_no_room) {
  const std::uint32_t first = grant(kOne, 0, kSharePages / 2);
  const std::uint32_t second = grant(kTwo, 0, kSharePages / 2);
  ASSERT_TRUE(want(kTwo, 8, 1));
  EXPECT_EQ(told(kOne, LeaseAct::kRecalled).rkey, first);
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(waits_, 1);
  EXPECT_TRUE(give_back(kOne, first));
  told(kTwo, LeaseAct::kGranted);
  EXPECT_EQ(pinned_pages(), kSharePages / 2 + 1);
  // Expect: who wants all gets it when all others have nothing.
  ASSERT_TRUE(want(kOne, 0, kSharePages));
  const std::uint32_t third = told(kTwo, LeaseAct::kRecalled).rkey;
  EXPECT_EQ(told(kTwo, LeaseAct::kRecalled).rkey, second);
  EXPECT_TRUE(give_back(kTwo, second));
  EXPECT_TRUE(told_.empty());
  EXPECT_TRUE(give_back(kTwo, third));
  told(kOne, LeaseAct::kGranted);
  EXPECT_EQ(pinned_pages(), kSharePages);
}

TEST_F(LenderTest, an_importer_that_goes_makes_room) {
  grant(kOne, 0, kSharePages);
  ASSERT_TRUE(want(kTwo, 0, 1));
  told(kOne, LeaseAct::kRecalled);
  lender_->forget(kOne);
  EXPECT_EQ(pinned_pages(), 0U);
  EXPECT_FALSE(lender_->progress(1));
  told(kTwo, LeaseAct::kGranted);
  EXPECT_FALSE(want(kOne, 0, 1));
}

TEST_F(LenderTest, who_keeps_what_is_recalled_is_overdue) {
  grant(kOne, 0, kSharePages);
  ASSERT_TRUE(want(kTwo, 0, 1, 1000));
  EXPECT_FALSE(lender_->overdue(1000 + kDeadlineNs));
  EXPECT_EQ(lender_->overdue(1001 + kDeadlineNs), kOne);
}

TEST_F(LenderTest, who_waits_too_long_is_refused) {
  grant(kOne, 0, kSharePages);
  ASSERT_TRUE(want(kTwo, 0, 1, 1000));
  told_.clear();
  EXPECT_TRUE(lender_->progress(1000 + kDeadlineNs));
  EXPECT_TRUE(told_.empty());
  EXPECT_FALSE(lender_->progress(1001 + kDeadlineNs));
  EXPECT_EQ(told(kTwo, LeaseAct::kRefused).code, Code::kLimitReached);
}

TEST_F(LenderTest, an_export_that_ends_is_unpinned_and_leased_no_more) {
  grant(kOne, 0, kSharePages);
  ASSERT_TRUE(want(kTwo, 0, 1));
  told_.clear();
  lender_->end(*lent_);
  EXPECT_EQ(pinned_pages(), 0U);
  EXPECT_FALSE(lender_->progress(1));
  EXPECT_EQ(told(kTwo, LeaseAct::kRefused).code, Code::kPeerClosed);
}

TEST_F(LenderTest, memory_that_is_not_there_is_refused) {
  ASSERT_EQ(::mprotect(pages_.page(5).data(), kPageBytes, PROT_NONE), 0);
  ASSERT_TRUE(want(kOne, 4, 2));
  EXPECT_EQ(told(kOne, LeaseAct::kRefused).code, Code::kRemoteAccess);
  EXPECT_EQ(pinned_pages(), 0U);
}

TEST_F(LenderTest, no_honest_importer_says_so) {
  EXPECT_FALSE(want(kOne, 0, 0));
  EXPECT_FALSE(want(kOne, 64, 1));
  EXPECT_FALSE(want(kOne, 63, 2));
  EXPECT_FALSE(want(kOne, 0, kSharePages + 1));
  EXPECT_FALSE(lender_->on_message(
      kOne, {.act = LeaseAct::kWanted, .range = {.offset = UINT64_MAX, .bytes = 2}}, 0));
  EXPECT_FALSE(want(3, 0, 1));
  EXPECT_FALSE(lender_->on_message(kOne, {.act = LeaseAct::kGranted}, 0));
  const std::uint32_t rkey = grant(kOne, 0, kSharePages);
  EXPECT_FALSE(give_back(kTwo, rkey));
  EXPECT_FALSE(give_back(kOne, rkey + 1));
  ASSERT_TRUE(want(kTwo, 0, 1));
  EXPECT_FALSE(want(kTwo, 1, 1));
  EXPECT_TRUE(give_back(kOne, rkey));
  EXPECT_FALSE(give_back(kOne, rkey));
}

TEST_F(LenderTest, a_small_buffer_is_leased_in_few_parts) {
  EXPECT_EQ(lender_->lease_bytes(UINT64_MAX / 2)->least, kPageBytes);
  EXPECT_EQ(lender_->lease_bytes(1)->least, kPageBytes);
  NicMemory large{*nic_, budget(std::uint64_t{1} << 30), nullptr};
  const Lender rich{large, counters_, hooks_};
  const std::uint64_t bytes = std::uint64_t{64} << 20;
  EXPECT_EQ(rich.lease_bytes(bytes)->least, bytes / 32);
  NicMemory small{*nic_, budget(7 * kPageBytes), nullptr};
  EXPECT_FALSE((Lender{small, counters_, hooks_}.lease_bytes(kPageBytes)));
}

}  // namespace
}  // namespace mapwire::detail
