// A Tlb over a NIC that only counts regions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <thread>

#include <gtest/gtest.h>

#include "mapwire/tlb/tlb.h"
#include "tests/tlb/region_nic.h"

namespace mapwire::tlb {

class TlbFixture : public ::testing::Test {
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

}  // namespace mapwire::tlb
