// What the kernel has pinned for the process is what the TLB says, and never above the budget.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mapwire/runtime/verbs/verbs_device.h"
#include "mapwire/runtime/verbs/verbs_nic.h"
#include "mapwire/tlb/tlb.h"
#include "tests/environment.h"
#include "tests/pinning_nic.h"
#include "tests/tlb/pages.h"

namespace mapwire::tlb {
namespace {

constexpr std::size_t kPages = 256;
constexpr PinLimits kLimits{.bytes = 64 * kPageBytes, .regions = 20};
constexpr int kSteps = 4000;         // at least
constexpr int kLookAtDevice = 1000;  // steps: it takes a process

std::size_t kernel_pinned_bytes() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmPin:")) return std::strtoull(line.c_str() + 6, nullptr, 10) << 10U;
  }
  return 0;
}

// Regions of this process on RDMA devices, as iproute2 tells of them.
std::size_t device_regions() {
  const std::unique_ptr<FILE, int (*)(FILE*)> shown{::popen("rdma resource show mr", "r"),
                                                    &::pclose};
  const std::string owner = " pid " + std::to_string(::getpid()) + " ";
  std::size_t regions = 0;
  std::array<char, 512> line{};
  while (shown != nullptr && std::fgets(line.data(), line.size(), shown.get()) != nullptr) {
    regions += std::string_view{line.data()}.find(owner) != std::string_view::npos ? 1U : 0U;
  }
  return regions;
}

std::expected<std::unique_ptr<Nic>, std::string> make_nic(bool device) {
  if (!device) {
    auto nic = testing::make_pinning_soft_nic();
    if (!nic) return std::unexpected(nic.error().message);
    return std::move(*nic);
  }
  const auto devices = list_verbs_devices();
  if (!devices || devices->empty()) return std::unexpected("no RDMA device");
  auto nic = verbs::make_verbs_nic({.device = devices->front().name});
  if (!nic) return std::unexpected(nic.error().message);
  return std::move(*nic);
}

struct Row {
  Policy policy = Policy::kClock;
  bool device = false;
  std::size_t copy_bytes = 0;
};

class BudgetTest : public ::testing::TestWithParam<Row> {
 protected:
  void SetUp() override {
    auto nic = make_nic(GetParam().device);
    if (!nic) GTEST_SKIP() << nic.error();
    nic_ = std::move(*nic);
    // Pinned as a whole otherwise.
    ::madvise(pages_.memory().data(), pages_.memory().size(), MADV_NOHUGEPAGE);
    pinned_before_ = kernel_pinned_bytes();
    TlbCounters counters;
    counters.pinned_bytes = Counter{&pinned_bytes_};
    counters.regions = Counter{&regions_};
    tlb_.emplace(
        *nic_, 1,
        TlbOptions{
            .limits = kLimits, .policy = GetParam().policy, .copy_bytes = GetParam().copy_bytes},
        counters);
  }

  // Some memory, the same again and again; now and then other pages are at its addresses.
  std::span<std::byte> choose_memory() {
    const std::size_t count = 1 + random_() % 8;
    const auto piece = pages_.page(random_() % (kPages - count) / 8 * 8, count);
    if (random_() % 8 == 0 &&
        ::mmap(piece.data(), piece.size(), PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
      std::abort();
    }
    return piece;
  }

  void step() {
    const auto memory = choose_memory();
    const auto got = tlb_->translate(memory, random_() % 4 == 0 ? Use::kReceive : Use::kSend);
    if (got) {
      ++served_;
      in_use_.push_back(got->id);
    } else {
      ASSERT_EQ(got.error(), Code::kWouldBlock);
    }
    while (!in_use_.empty() && (!got || random_() % 3 != 0)) {
      const std::size_t which = random_() % in_use_.size();
      tlb_->release(in_use_[which]);
      in_use_[which] = in_use_.back();
      in_use_.pop_back();
    }
    if (tlb_->wants_reaping()) tlb_->reap();
  }

  std::unique_ptr<Nic> nic_;
  testing::Pages pages_{kPages};
  std::mt19937 random_{5};
  std::atomic<std::uint64_t> pinned_bytes_ = 0;
  std::atomic<std::uint64_t> regions_ = 0;
  std::size_t pinned_before_ = 0;
  std::optional<Tlb> tlb_;
  std::vector<TranslationId> in_use_;
  std::size_t served_ = 0;
};

// For MAPWIRE_TEST_WORKLOAD_S seconds.
TEST_P(BudgetTest, the_kernel_agrees_at_every_step) {
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::seconds{testing::number_from("MAPWIRE_TEST_WORKLOAD_S", 0)};
  const std::size_t regions_before = GetParam().device ? device_regions() : 0;
  std::size_t steps = 0;
  for (; steps < kSteps || std::chrono::steady_clock::now() < until; ++steps) {
    ASSERT_NO_FATAL_FAILURE(step());
    ASSERT_LE(pinned_bytes_, kLimits.bytes) << "step " << steps;
    ASSERT_LE(regions_, kLimits.regions) << "step " << steps;
    ASSERT_EQ(kernel_pinned_bytes() - pinned_before_, pinned_bytes_) << "step " << steps;
    if (GetParam().device && steps % kLookAtDevice == 0) {
      ASSERT_EQ(device_regions() - regions_before, regions_) << "step " << steps;
    }
  }
  RecordProperty("steps", static_cast<int>(steps));
  EXPECT_GT(served_, steps / 2);
  EXPECT_GT(tlb_->kept(), 0U);
  tlb_.reset();
  EXPECT_EQ(kernel_pinned_bytes(), pinned_before_);
  EXPECT_EQ(pinned_bytes_, 0U);
  EXPECT_EQ(regions_, 0U);
  if (GetParam().device) {
    EXPECT_EQ(device_regions(), regions_before);
  }
}

INSTANTIATE_TEST_SUITE_P(rows, BudgetTest,
                         ::testing::Values(Row{}, Row{.policy = Policy::kLru},
                                           Row{.copy_bytes = kPageBytes}, Row{.device = true},
                                           Row{.device = true, .copy_bytes = kPageBytes}),
                         [](const auto& row) {
                           return std::string{name(row.param.policy)} +
                                  (row.param.copy_bytes != 0 ? "_copies" : "") +
                                  (row.param.device ? "_verbs_rxe" : "_pinning");
                         });

}  // namespace
}  // namespace mapwire::tlb
