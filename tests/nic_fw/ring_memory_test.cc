#include "mapwire/nic_fw/ring_memory.h"

#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/proto/ring_layout.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::nic_fw {
namespace {

// The least that is free.
int next_descriptor() { return UniqueFd{::dup(STDERR_FILENO)}.get(); }

TEST(RingMemory, gives_aligned_blocks_that_do_not_overlap) {
  RingMemory memory{64 << 20};
  std::vector<std::span<std::byte>> blocks;
  for (int i = 0; i < 300; ++i) {
    auto block = memory.allocate(12'672);
    ASSERT_TRUE(block) << block.error().message;
    EXPECT_EQ(block->size(), 12'672U);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block->data()) % proto::kCacheLine, 0U);
    std::memset(block->data(), i, block->size());
    blocks.push_back(*block);
  }
  for (int i = 0; i < 300; ++i) {
    const auto& block = blocks[static_cast<std::size_t>(i)];
    EXPECT_EQ(block.front(), static_cast<std::byte>(i));
    EXPECT_EQ(block.back(), static_cast<std::byte>(i));
  }
}

TEST(RingMemory, uses_released_blocks_of_the_same_size_again) {
  RingMemory memory{RingMemory::kArenaBytes};
  std::set<std::byte*> addresses;
  for (int i = 0; i < 1000; ++i) {
    auto block = memory.allocate(100'000);
    ASSERT_TRUE(block) << i << ": " << block.error().message;
    addresses.insert(block->data());
    memory.release(*block);
  }
  EXPECT_EQ(addresses.size(), 1U);
}

TEST(RingMemory, gives_a_block_longer_than_an_arena) {
  RingMemory memory{64 << 20};
  EXPECT_EQ(memory.allocate(10 << 20)->size(), std::size_t{10} << 20);
}

TEST(RingMemory, takes_few_descriptors_for_many_blocks) {
  constexpr std::size_t kBlocks = 10'000;
  RingMemory memory{kBlocks * 24'576 * 2};
  const int before = next_descriptor();
  for (std::size_t i = 0; i < kBlocks; ++i) ASSERT_TRUE(memory.allocate(24'576)) << i;
  EXPECT_LE(next_descriptor() - before, 10);
}

TEST(RingMemory, uses_all_that_it_may_take) {
  constexpr std::size_t kArenas = 3;  // no sum of doubled ones
  RingMemory memory{kArenas * RingMemory::kArenaBytes};
  for (std::size_t i = 0; i < kArenas; ++i) {
    EXPECT_TRUE(memory.allocate(RingMemory::kArenaBytes)) << i;
  }
}

TEST(RingMemory, at_its_limit_refuses_and_says_so) {
  RingMemory memory{RingMemory::kArenaBytes};
  ASSERT_TRUE(memory.allocate(RingMemory::kArenaBytes));
  auto block = memory.allocate(64);
  ASSERT_FALSE(block);
  EXPECT_EQ(block.error().code, Code::kLimitReached);
}

}  // namespace
}  // namespace mapwire::nic_fw
