#include "mapwire/endpoints/detail/held_leases.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include "mapwire/tlb/range.h"

namespace mapwire::detail {
namespace {

using tlb::kPageBytes;

constexpr std::uint64_t kAddress = 0x7000'0000;
constexpr std::uint64_t kPages = 4096;
constexpr std::uint64_t kMost = 64 * kPageBytes;
constexpr std::size_t kAccesses = 8;

class HeldLeasesTest : public ::testing::Test {
 protected:
  static proto::SendDescriptor access(std::uint64_t offset, std::uint32_t bytes) {
    proto::SendDescriptor descriptor{.cookie = offset, .sge_count = 1};
    descriptor.sge[0].bytes = bytes;
    descriptor.remote_address = kAddress + offset;
    return descriptor;
  }
  void add(std::uint64_t offset, std::uint32_t bytes) {
    ASSERT_TRUE(leases_.add(access(offset, bytes)));
  }
  void post() {
    ASSERT_NE(leases_.ready(), nullptr);
    leases_.on_posted();
  }
  // Lets an access go on with a lease of its own, and complete.
  void access_page(std::uint64_t page, std::uint32_t rkey) {
    add(page * kPageBytes, 8);
    ASSERT_TRUE(leases_.want(1));
    ASSERT_TRUE(leases_.on_granted(rkey));
    post();
    leases_.on_completed();
  }

  HeldLeases leases_{{.memory = {.address = kAddress, .bytes = kPages * kPageBytes, .rkey = 0},
                      .rights = {},
                      .leased = LeaseBytes{.least = kPageBytes, .most = kMost}},
                     kAccesses};
};

TEST_F(HeldLeasesTest, what_is_accessed_is_asked_for_once) {
  EXPECT_FALSE(leases_.want(1));
  add(kPageBytes - 1, 2);
  EXPECT_EQ(leases_.ready(), nullptr);
  const auto range = leases_.want(5);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->offset, 0U);
  EXPECT_EQ(range->bytes, 2 * kPageBytes);
  EXPECT_EQ(leases_.wanted_since_ns(), 5U);
  EXPECT_FALSE(leases_.want(6));
  ASSERT_TRUE(leases_.on_granted(77));
  EXPECT_FALSE(leases_.wanted_since_ns());
  ASSERT_NE(leases_.ready(), nullptr);
  EXPECT_EQ(leases_.ready()->rkey, 77U);
  EXPECT_EQ(leases_.ready()->cookie, kPageBytes - 1);
}

TEST_F(HeldLeasesTest, none_overtakes_one_that_waits) {
  access_page(0, 1);
  add(9 * kPageBytes, 8);
  add(0, 8);
  EXPECT_EQ(leases_.ready(), nullptr);
  ASSERT_TRUE(leases_.want(1));
  ASSERT_TRUE(leases_.on_granted(2));
  EXPECT_EQ(leases_.ready()->rkey, 2U);
  post();
  EXPECT_EQ(leases_.ready()->rkey, 1U);
}

TEST_F(HeldLeasesTest, one_without_bytes_needs_none) {
  add(5, 0);
  EXPECT_FALSE(leases_.want(1));
  EXPECT_NE(leases_.ready(), nullptr);
}

TEST_F(HeldLeasesTest, more_than_is_leased_is_not_taken) {
  EXPECT_FALSE(leases_.add(access(0, kMost + 1)));
  EXPECT_TRUE(leases_.add(access(0, kMost)));
}

TEST_F(HeldLeasesTest, who_goes_on_gets_twice_as_much) {
  access_page(0, 1);
  add(kPageBytes, 8);
  EXPECT_EQ(leases_.want(1)->bytes, 2 * kPageBytes);
  ASSERT_TRUE(leases_.on_granted(2));
  post();
  add(3 * kPageBytes, 8);
  EXPECT_EQ(leases_.want(1)->bytes, 4 * kPageBytes);
  ASSERT_TRUE(leases_.on_granted(3));
  post();
  // Expect: not beyond the end.
  access_page(kPages - 2, 4);
  add((kPages - 1) * kPageBytes, 8);
  EXPECT_EQ(leases_.want(1)->bytes, kPageBytes);
}

TEST_F(HeldLeasesTest, what_is_recalled_is_returned_when_it_is_out_of_use) {
  add(0, 8);
  ASSERT_TRUE(leases_.want(1));
  ASSERT_TRUE(leases_.on_granted(1));
  post();
  EXPECT_FALSE(leases_.give_back());
  leases_.on_recalled(1);
  EXPECT_FALSE(leases_.give_back());
  add(0, 8);
  EXPECT_EQ(leases_.ready(), nullptr);  // it is not used again
  leases_.on_completed();
  EXPECT_EQ(leases_.give_back(), 1U);
  EXPECT_FALSE(leases_.give_back());
  leases_.on_recalled(1);  // crosses the return
  EXPECT_FALSE(leases_.give_back());
}

TEST_F(HeldLeasesTest, the_one_longest_out_of_use_makes_room) {
  for (std::uint32_t i = 0; i < kHeldLeasesMax; ++i) access_page(2 * i, i + 1);
  add(0, 8);  // lease 1
  post();
  EXPECT_FALSE(leases_.give_back());
  add(1000 * kPageBytes, 8);
  EXPECT_FALSE(leases_.want(1));
  EXPECT_EQ(leases_.give_back(), 2U);
  EXPECT_FALSE(leases_.give_back());
  EXPECT_TRUE(leases_.want(1));
}

TEST_F(HeldLeasesTest, what_is_refused_is_tried_alone) {
  add(kPageBytes + 10, 8);
  ASSERT_TRUE(leases_.want(1));
  ASSERT_TRUE(leases_.on_refused(Code::kRemoteAccess));
  EXPECT_FALSE(leases_.refused());
  const auto range = leases_.want(2);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->offset, kPageBytes + 10);
  EXPECT_EQ(range->bytes, 8U);
  ASSERT_TRUE(leases_.on_refused(Code::kRemoteAccess));
  EXPECT_EQ(leases_.refused(), Code::kRemoteAccess);
  EXPECT_FALSE(leases_.want(3));
  EXPECT_TRUE(leases_.none_under_way());
}

TEST_F(HeldLeasesTest, nobody_grants_what_was_not_asked_for) {
  EXPECT_FALSE(leases_.on_granted(1));
  EXPECT_FALSE(leases_.on_refused(Code::kRemoteAccess));
}

}  // namespace
}  // namespace mapwire::detail
