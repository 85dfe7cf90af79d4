#include "mapwire/runtime/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include <gtest/gtest.h>

namespace mapwire {
namespace {

Arena arena_of(std::size_t bytes) {
  auto arena = Arena::create("mapwire-test", bytes);
  EXPECT_TRUE(arena.has_value()) << arena.error().message;
  return std::move(*arena);
}

TEST(Arena, is_rounded_up_to_whole_pages_and_zeroed) {
  Arena arena = arena_of(1);
  EXPECT_EQ(arena.memory().size(), 4096U);
  EXPECT_TRUE(std::ranges::all_of(arena.memory(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST(Arena, allocations_are_aligned_and_do_not_overlap) {
  Arena arena = arena_of(4096);
  auto first = arena.allocate(3, 1);
  auto second = arena.allocate(100, 64);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->size(), 3U);
  EXPECT_EQ(second->size(), 100U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second->data()) % 64, 0U);
  EXPECT_EQ(second->data() - first->data(), 64);
}

TEST(Arena, refuses_what_does_not_fit_and_stays_usable) {
  Arena arena = arena_of(4096);
  ASSERT_TRUE(arena.allocate(4000, 1));
  EXPECT_FALSE(arena.allocate(97, 1));
  EXPECT_FALSE(arena.allocate(1, 4096));
  EXPECT_FALSE(arena.allocate(std::numeric_limits<std::size_t>::max(), 1));
  EXPECT_TRUE(arena.allocate(96, 1));
  EXPECT_TRUE(arena.allocate(0, 1));
  EXPECT_FALSE(arena.allocate(1, 1));
}

TEST(Arena, memory_is_shared_with_other_mappings_of_its_descriptor) {
  Arena arena = arena_of(8192);
  void* other = mmap(nullptr, 8192, PROT_READ, MAP_SHARED, arena.fd(), 0);
  ASSERT_NE(other, MAP_FAILED);
  arena.memory()[5000] = std::byte{7};
  EXPECT_EQ(static_cast<std::byte*>(other)[5000], std::byte{7});
  munmap(other, 8192);
}

TEST(Arena, size_and_seals_can_not_be_changed_by_who_holds_the_descriptor) {
  Arena arena = arena_of(8192);
  EXPECT_NE(ftruncate(arena.fd(), 4096), 0);
  EXPECT_NE(ftruncate(arena.fd(), 16384), 0);
  EXPECT_NE(fcntl(arena.fd(), F_ADD_SEALS, F_SEAL_WRITE), 0);
  EXPECT_EQ(fcntl(arena.fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(Arena, moving_hands_over_memory_and_descriptor) {
  Arena first = arena_of(4096);
  const int fd = first.fd();
  ASSERT_TRUE(first.allocate(100, 1));
  Arena second{std::move(first)};
  EXPECT_EQ(second.fd(), fd);
  EXPECT_FALSE(second.allocate(4000, 1));
  Arena third = arena_of(4096);
  third = std::move(second);
  EXPECT_EQ(third.fd(), fd);
  third.memory()[0] = std::byte{1};  // still mapped
}

TEST(Arena, closes_its_descriptor_when_it_dies) {
  int fd = -1;
  {
    Arena arena = arena_of(4096);
    fd = arena.fd();
  }
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

TEST(Arena, impossible_sizes_are_errors) {
  EXPECT_EQ(Arena::create("mapwire-test", 0).error().code, Code::kInvalidArgument);
  const std::size_t huge = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(Arena::create("mapwire-test", huge).error().code, Code::kOutOfMemory);
  EXPECT_EQ(Arena::create("mapwire-test", huge / 2).error().code, Code::kOutOfMemory);
}

TEST(ArenaDeathTest, an_alignment_that_is_none_aborts) {
  Arena arena = arena_of(4096);
  EXPECT_DEATH((void)arena.allocate(1, 3), "");
  EXPECT_DEATH((void)arena.allocate(1, 8192), "");
}

}  // namespace
}  // namespace mapwire
