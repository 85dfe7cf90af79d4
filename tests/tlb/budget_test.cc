// What the kernel has pinned for the process is what the TLB says, and never above the budget.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "mapwire/tlb/tlb.h"
#include "tests/pinning_nic.h"
#include "tests/tlb/pages.h"

namespace mapwire::tlb {
namespace {

std::size_t kernel_pinned_bytes() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmPin:")) return std::strtoull(line.c_str() + 6, nullptr, 10) << 10U;
  }
  return 0;
}

class BudgetTest : public ::testing::TestWithParam<Policy> {};

TEST_P(BudgetTest, the_kernel_agrees_at_every_step) {
  constexpr std::size_t kPages = 256;
  constexpr std::size_t kBudget = 64 * kPageBytes;
  constexpr int kSteps = 4000;
  auto nic = testing::make_pinning_soft_nic();
  if (!nic) GTEST_SKIP() << nic.error().message;
  const testing::Pages pages{kPages};
  ::madvise(pages.memory().data(), pages.memory().size(), MADV_NOHUGEPAGE);  // pinned as a whole
  const std::size_t before = kernel_pinned_bytes();
  std::mt19937 random{5};
  {
    Tlb tlb{**nic, 1, {.limits = {.bytes = kBudget, .regions = 20}, .policy = GetParam()}, {}};
    std::vector<TranslationId> in_use;
    std::size_t served = 0;
    for (int step = 0; step < kSteps; ++step) {
      const std::size_t count = 1 + random() % 8;
      const std::size_t first = random() % (kPages - count) / 8 * 8;  // the same ones again
      const auto piece = pages.page(first, count);
      if (random() % 8 == 0) {
        ASSERT_NE(::mmap(piece.data(), piece.size(), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                  MAP_FAILED);
      }
      const auto got = tlb.translate(piece, random() % 4 == 0 ? Use::kReceive : Use::kSend);
      if (got) {
        ++served;
        in_use.push_back(got->id);
      } else {
        ASSERT_EQ(got.error(), Code::kWouldBlock);
      }
      while (!in_use.empty() && (!got || random() % 3 != 0)) {
        const std::size_t which = random() % in_use.size();
        tlb.release(in_use[which]);
        in_use[which] = in_use.back();
        in_use.pop_back();
      }
      if (tlb.wants_reaping()) tlb.reap();
      ASSERT_LE(tlb.pinned_bytes(), kBudget) << "step " << step;
      ASSERT_EQ(kernel_pinned_bytes() - before, tlb.pinned_bytes()) << "step " << step;
    }
    EXPECT_GT(served, kSteps / 2U);
    EXPECT_GT(tlb.kept(), 0U);
  }
  EXPECT_EQ(kernel_pinned_bytes(), before);
}

INSTANTIATE_TEST_SUITE_P(policies, BudgetTest, ::testing::Values(Policy::kClock, Policy::kLru),
                         [](const auto& policy) { return std::string{name(policy.param)}; });

}  // namespace
}  // namespace mapwire::tlb
