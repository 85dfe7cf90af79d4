#include "mapwire/nic_fw/memory_table.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace mapwire::nic_fw {
namespace {

constexpr std::uint32_t kTableDomain = 3;

class MemoryTableTest : public ::testing::Test {
 protected:
  MemoryKeys add(Access access) { return *table_.add(memory_, access, kTableDomain, random_); }
  std::uint64_t start() const { return reinterpret_cast<std::uint64_t>(memory_.data()); }

  RandomSource random_ = std::mt19937_64{1};
  std::vector<std::byte> memory_ = std::vector<std::byte>(100);
  MemoryTable table_{4};
};

TEST_F(MemoryTableTest, grants_each_right_alone) {
  const auto read = add({.remote_read = true});
  EXPECT_TRUE(table_.allows(read.rkey, start(), 100, kTableDomain, RemoteUse::kRead));
  EXPECT_FALSE(table_.allows(read.rkey, start(), 100, kTableDomain, RemoteUse::kWrite));
  EXPECT_FALSE(table_.allows(read.rkey, start(), 100, kTableDomain, RemoteUse::kAtomic));
  const auto write = add({.remote_write = true});
  EXPECT_FALSE(table_.allows(write.rkey, start(), 100, kTableDomain, RemoteUse::kRead));
  EXPECT_TRUE(table_.allows(write.rkey, start(), 100, kTableDomain, RemoteUse::kWrite));
  const auto atomic = add({.remote_atomic = true});
  EXPECT_FALSE(table_.allows(atomic.rkey, start(), 8, kTableDomain, RemoteUse::kWrite));
  EXPECT_TRUE(table_.allows(atomic.rkey, start(), 8, kTableDomain, RemoteUse::kAtomic));
}

TEST_F(MemoryTableTest, the_owner_reads_always_and_writes_by_right) {
  const auto keys = add({.local_write = false});
  EXPECT_TRUE(table_.allows(keys.lkey, start(), 100, kTableDomain, LocalUse::kRead));
  EXPECT_FALSE(table_.allows(keys.lkey, start(), 100, kTableDomain, LocalUse::kWrite));
}

TEST_F(MemoryTableTest, an_lkey_is_no_rkey_and_the_other_way_round) {
  const auto keys = add({.local_write = true, .remote_read = true, .remote_write = true});
  EXPECT_NE(keys.lkey, keys.rkey);
  EXPECT_FALSE(table_.allows(keys.lkey, start(), 1, kTableDomain, RemoteUse::kRead));
  EXPECT_FALSE(table_.allows(keys.rkey, start(), 1, kTableDomain, LocalUse::kRead));
}

TEST_F(MemoryTableTest, refuses_ranges_that_leave_the_region) {
  const auto keys = add({.remote_read = true});
  const auto allows = [&](std::uint64_t address, std::uint64_t bytes) {
    return table_.allows(keys.rkey, address, bytes, kTableDomain, RemoteUse::kRead);
  };
  EXPECT_TRUE(allows(start() + 99, 1));
  EXPECT_FALSE(allows(start() + 99, 2));
  EXPECT_FALSE(allows(start() + 100, 1));
  EXPECT_FALSE(allows(start() - 1, 2));
  EXPECT_FALSE(allows(start(), 101));
  // Ranges whose end wraps around the address space.
  EXPECT_FALSE(allows(start(), UINT64_MAX));
  EXPECT_FALSE(allows(start() + 1, UINT64_MAX));
  EXPECT_FALSE(allows(UINT64_MAX, 2));
}

TEST_F(MemoryTableTest, refuses_another_protection_domain) {
  const auto keys = add({.remote_read = true});
  EXPECT_FALSE(table_.allows(keys.rkey, start(), 1, kTableDomain + 1, RemoteUse::kRead));
}

TEST_F(MemoryTableTest, refuses_keys_of_removed_regions) {
  const auto keys = add({.remote_read = true});
  table_.remove(keys.rkey);  // not an lkey: no effect
  EXPECT_TRUE(table_.allows(keys.rkey, start(), 1, kTableDomain, RemoteUse::kRead));
  table_.remove(keys.lkey);
  EXPECT_FALSE(table_.allows(keys.rkey, start(), 1, kTableDomain, RemoteUse::kRead));
  EXPECT_FALSE(table_.allows(keys.lkey, start(), 1, kTableDomain, LocalUse::kRead));
}

TEST_F(MemoryTableTest, any_memory_needs_no_region_but_must_not_wrap) {
  for (const auto lkey : {proto::kAnyMemoryLkey, proto::kSteadyMemoryLkey}) {
    EXPECT_TRUE(table_.allows(lkey, start(), 100, kTableDomain, LocalUse::kWrite));
    EXPECT_FALSE(table_.allows(lkey, UINT64_MAX, 2, kTableDomain, LocalUse::kRead));
    EXPECT_FALSE(table_.allows(lkey, start(), 100, kTableDomain, RemoteUse::kRead));
  }
}

TEST_F(MemoryTableTest, says_when_it_is_full_and_takes_more_after_a_removal) {
  std::set<std::uint32_t> keys;
  std::uint32_t last = 0;
  for (int i = 0; i < 4; ++i) {
    const auto added = add({});
    keys.insert({added.lkey, added.rkey});
    last = added.lkey;
  }
  EXPECT_EQ(keys.size(), 8U);
  EXPECT_EQ(keys.count(0), 0U);
  EXPECT_EQ(table_.add(memory_, {}, kTableDomain, random_).error().code, Code::kLimitReached);
  table_.remove(last);
  EXPECT_TRUE(table_.add(memory_, {}, kTableDomain, random_));
}

TEST_F(MemoryTableTest, refuses_empty_memory) {
  EXPECT_EQ(table_.add({}, {}, kTableDomain, random_).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace mapwire::nic_fw
